import './access.css';
import { useSignal } from '@preact/signals';
import { useAction } from '../act';
import { api } from '../api';
import { format, texts } from '../language';
import { useList } from '../pages';
import { Ago } from './ago';
import { ConfirmedButton } from './confirm';
import { DataTable } from './data-table';
import { Loaded } from './loaded';
import { More } from './more';
import { Status } from './status';

function RevokeSession({ id, sessionId, onDone }: { id: string; sessionId: string; onDone: () => void }) {
  const text = texts.value.access.sessions;
  const revoke = useAction(async () => {
    await api().users[':id'].sessions[':sessionId'].$delete({ param: { id, sessionId } });
    onDone();
  });
  return (
    <ConfirmedButton label={text.revoke} title={text.question} action={revoke}>
      <p>{text.effect}</p>
    </ConfirmedButton>
  );
}

/** The open sessions of an account, which their owner and admins can end. */
export function Sessions({ account }: { account: string }) {
  const { sessions: text, action } = texts.value.access;
  const list = useList(`sessions of ${account}`, (cursor, headers) =>
    api().users[':id'].sessions.$get({ param: { id: account }, query: { cursor, limit: '10' } }, { headers }),
  );
  const isDone = useSignal(false);
  const rows = list.rows ?? [];
  return (
    <>
      <Loaded read={list.read}>
        {() =>
          rows.length === 0 ? (
            <p class="quiet">{text.none}</p>
          ) : (
            <DataTable
              caption={text.title}
              rows={rows}
              keyOf={({ id }) => id}
              columns={[
                { title: text.started, cell: ({ startedAt }) => format.value.time(startedAt) },
                { title: text.used, cell: ({ lastUsedAt, startedAt }) => <Ago time={lastUsedAt ?? startedAt} /> },
                { title: text.ends, cell: ({ expiresAt }) => format.value.time(expiresAt) },
                {
                  title: action,
                  // The session of this page has the button for signing out.
                  cell: ({ id, isCurrent }) =>
                    isCurrent ? (
                      <Status tone="good">{text.current}</Status>
                    ) : (
                      <RevokeSession
                        id={account}
                        sessionId={id}
                        onDone={() => {
                          isDone.value = true;
                        }}
                      />
                    ),
                },
              ]}
            />
          )
        }
      </Loaded>
      {list.more && <More list={list} />}
      <p role="status" class="quiet">
        {isDone.value && text.done}
      </p>
    </>
  );
}
