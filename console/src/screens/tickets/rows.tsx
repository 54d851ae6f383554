import { texts } from '../../language';
import { Ago } from '../../parts/ago';
import { DataTable } from '../../parts/data-table';
import { PersonName } from '../../parts/person-name';
import type { StaffTicketSummary } from '../ticket/staff-ticket';
import { readUnread } from './seen';
import { StatusOfTicket } from './ticket-status';

/** The first column: what the ticket is about, and what of it is new to the person. */
function About({ ticket, isUnread }: { ticket: StaffTicketSummary; isUnread: boolean }) {
  const { id, subject, preview, notePreview } = ticket;
  const text = texts.value.tickets;
  return (
    <div class={isUnread ? 'about unread' : 'about'}>
      <a href={`/console/tickets/${id}`} data-ticket={id}>
        {isUnread && <span class="hidden">{text.unread} </span>}
        {subject}
      </a>
      <p class="quiet">{preview}</p>
      {notePreview && (
        <p class="note-preview">
          {text.notePreview} {notePreview}
        </p>
      )}
    </div>
  );
}

/** The tickets of a list. */
export function Rows({ tickets }: { tickets: readonly StaffTicketSummary[] }) {
  const text = texts.value.tickets;
  const isUnread = readUnread();
  return (
    <DataTable
      caption={text.list}
      rows={tickets}
      keyOf={({ id }) => id}
      columns={[
        { title: text.columns.ticket, cell: (ticket) => <About ticket={ticket} isUnread={isUnread(ticket)} /> },
        { title: text.columns.customer, cell: ({ customerId }) => <PersonName id={customerId} /> },
        { title: text.columns.spoke, cell: ({ lastSpeaker }) => text.by[lastSpeaker] },
        { title: text.columns.status, cell: ({ status }) => <StatusOfTicket status={status} /> },
        { title: text.columns.assignee, cell: ({ assigneeId }) => (assigneeId ? <PersonName id={assigneeId} /> : '–') },
        { title: text.columns.updated, cell: ({ updatedAt }) => <Ago time={updatedAt} /> },
      ]}
    />
  );
}
