import { useSignal } from '@preact/signals';
import { useAction } from '../../act';
import { api } from '../../api';
import { texts } from '../../language';
import { ActionButton } from '../../parts/action-button';
import { ConfirmedButton } from '../../parts/confirm';
import { PersonName } from '../../parts/person-name';
import { PersonSearch } from '../../parts/person-search';
import { ProblemNotice } from '../../parts/problem';
import { person } from '../../session';
import { StatusOfTicket, type TicketStatus } from '../tickets/ticket-status';
import { Refused } from './changes';
import type { StaffTicket } from './staff-ticket';
import type { OpenTicket } from './use-ticket';

interface WorkProps {
  ticket: StaffTicket;
  open: OpenTicket;
}

function StatusWork({ ticket: { id, status }, open: { change } }: WorkProps) {
  const text = texts.value.ticket.status;
  const setStatus = (next: TicketStatus) =>
    change((headers) => api().tickets[':id'].status.$post({ param: { id }, json: { status: next } }, { headers }));
  const triage = useAction(() => setStatus('triaged'));
  const reopen = useAction(() => setStatus('open'));
  const close = useAction(() => setStatus('closed'));
  return (
    <div class="work-on">
      <p>
        <span class="quiet">{text.label}</span> <StatusOfTicket status={status} />
      </p>
      {status === 'open' && <ActionButton label={text.triage} action={triage} />}
      {status === 'triaged' && <ActionButton label={text.open} action={reopen} />}
      {status === 'closed' ? (
        <p class="quiet">{text.closed}</p>
      ) : (
        <ConfirmedButton label={text.close} title={text.question} action={close}>
          <p>{text.closing}</p>
        </ConfirmedButton>
      )}
    </div>
  );
}

function AssigneeWork({ ticket: { id, assigneeId }, open: { change } }: WorkProps) {
  const text = texts.value.ticket.assignee;
  const isGiving = useSignal(false);
  const me = person.value;
  const assign = useAction(async (next: string | null) => {
    await change((headers) =>
      api().tickets[':id'].assignee.$post({ param: { id }, json: { assigneeId: next } }, { headers }),
    );
    isGiving.value = false;
  });
  const isMine = assigneeId === me.id;
  const button = (label: string, next: string | null) => (
    <button type="button" disabled={assign.isRunning.value} onClick={() => void assign.run(next)}>
      {label}
    </button>
  );
  return (
    <div class="work-on">
      <p>
        <span class="quiet">{text.label}</span>{' '}
        <strong>{assigneeId ? <PersonName id={assigneeId} /> : text.nobody}</strong>
        {isMine && ` ${text.you}`}
      </p>
      {!isMine && button(text.take, me.id)}
      {assigneeId !== null && button(text.release, null)}
      <button
        type="button"
        aria-expanded={isGiving.value}
        onClick={() => {
          isGiving.value = !isGiving.value;
        }}
      >
        {text.give}
      </button>
      {isGiving.value && (
        <PersonSearch
          label={text.search}
          isWanted={({ role, isActive }) => role !== 'customer' && isActive}
          onPick={(colleague) => void assign.run(colleague.id)}
        />
      )}
      <ProblemNotice error={assign.error.value} />
    </div>
  );
}

/** The status of a ticket and who works on it, and the buttons that change them. */
export function Work({ ticket, open }: WorkProps) {
  const { refusal, note } = open;
  return (
    <section class="panel work" aria-label={texts.value.ticket.work}>
      <StatusWork ticket={ticket} open={open} />
      <AssigneeWork ticket={ticket} open={open} />
      {refusal.value?.of === 'work' && (
        <Refused before={refusal.value.before} after={ticket} onNoted={note}>
          {texts.value.ticket.changes.refused}
        </Refused>
      )}
    </section>
  );
}
