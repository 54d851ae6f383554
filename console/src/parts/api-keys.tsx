import './access.css';
import { useSignal } from '@preact/signals';
import { useAction } from '../act';
import { api } from '../api';
import { format, say, texts } from '../language';
import { useRead } from '../read';
import { person } from '../session';
import { Ago } from './ago';
import { ConfirmedButton } from './confirm';
import { DataTable } from './data-table';
import { Loaded } from './loaded';

function RevokeKey({ id, name, onDone }: { id: string; name: string; onDone: () => void }) {
  const text = texts.value.access.keys;
  const revoke = useAction(async () => {
    await api()['api-keys'][':id'].$delete({ param: { id } });
    onDone();
  });
  return (
    <ConfirmedButton label={text.revoke} title={say(text.question, { name })} action={revoke}>
      <p>{text.effect}</p>
    </ConfirmedButton>
  );
}

/** The API keys of an account, which their owner and admins can revoke. */
export function ApiKeys({ account }: { account: string }) {
  const { keys: text, action } = texts.value.access;
  // Only admins may name an account.
  const query = account === person.value.id ? {} : { account };
  const read = useRead(`keys of ${account}`, (headers) => api()['api-keys'].$get({ query }, { headers }));
  const isDone = useSignal(false);
  return (
    <>
      <Loaded read={read}>
        {({ data }) =>
          data.length === 0 ? (
            <p class="quiet">{text.none}</p>
          ) : (
            <DataTable
              caption={text.title}
              rows={data}
              keyOf={({ id }) => id}
              columns={[
                {
                  title: text.name,
                  cell: ({ name, prefix }) => (
                    <div class="key-name">
                      <strong>{name}</strong> <code title={prefix}>{prefix.slice(0, 11)}…</code>
                    </div>
                  ),
                },
                {
                  title: text.scopes,
                  cell: ({ scopes }) => (
                    <ul class="scopes">
                      {scopes.map((scope) => (
                        <li key={scope}>{scope}</li>
                      ))}
                    </ul>
                  ),
                },
                { title: text.created, cell: ({ createdAt }) => <Ago time={createdAt} /> },
                {
                  title: text.used,
                  cell: ({ lastUsedAt }) => (lastUsedAt === null ? text.never : <Ago time={lastUsedAt} />),
                },
                {
                  title: text.ends,
                  cell: ({ expiresAt }) => (expiresAt === null ? text.whenRevoked : format.value.time(expiresAt)),
                },
                {
                  title: action,
                  cell: ({ id, name }) => (
                    <RevokeKey
                      id={id}
                      name={name}
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
      <p role="status" class="quiet">
        {isDone.value && text.done}
      </p>
    </>
  );
}
