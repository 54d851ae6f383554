import { ConcurrencyError } from '../../../src/cqrs/writing/errors';
import { ticketErrors } from '../../../src/tickets/errors';
import { afterReply } from '../../../src/tickets/reply';
import type { TicketRepository } from '../../../src/tickets/repository';
import { previewOf, type Ticket } from '../../../src/tickets/ticket';
import { type MemoryContext, takeRows, toVersions } from './context';
import type { MemoryState } from './state';
import { find, insert, remove, requireParent, select, update } from './table';

/** Deletes tickets with their notes and replies. */
export function removeTickets(next: MemoryState, isRemoved: (ticket: Ticket) => boolean): void {
  remove(next.tickets, isRemoved, (id) => {
    remove(next.ticketNotes, ({ ticketId }) => ticketId === id);
    remove(next.ticketReplies, ({ ticketId }) => ticketId === id);
  });
}

/** The later one of a time and the time of the ticket's last change. */
function notBefore(
  { tickets }: MemoryState,
  id: string,
  at: string,
  column: 'updatedAt' | 'customerUpdatedAt' = 'updatedAt',
): string {
  const last = tickets.get(id)?.[column] ?? at;
  return last > at ? last : at;
}

/** The figures of the dashboard are no part of the interface, so they exist on D1 only. */
export function createTicketRepository(context: MemoryContext): TicketRepository {
  const { read, stage, guard } = context;

  function release(isTheirs: (ticket: Ticket) => boolean, atOf: (state: MemoryState) => string, most: number) {
    // D1 takes those of one status after the other, which no other test depends on.
    const { rows, isLast } = takeRows(context, ({ tickets }) => tickets, isTheirs, most);
    if (rows.length > 0) {
      stage((next) => {
        for (const { id, version } of rows) {
          update(next.tickets, id, {
            version: version + 1,
            assigneeId: null,
            updatedAt: notBefore(next, id, atOf(next)),
          });
        }
      });
    }
    return { rows: rows.map(({ id, version, customerId }) => ({ id, version, customerId })), isLast };
  }

  return {
    add(ticket, by) {
      const { orderId, customerId } = ticket;
      if (customerId !== by.id) {
        guard(
          ({ users }) => users.get(customerId)?.isActive === true,
          () => ticketErrors.unknownCustomer({ customerId }, { pointer: '/customerId' }),
        );
      }
      if (orderId !== null) {
        guard(
          ({ orders }) => orders.get(orderId)?.customerId === customerId,
          () => ticketErrors.unknownOrder({ orderId }, { pointer: '/orderId' }),
        );
      }
      const computed = { preview: previewOf(ticket.message), notePreview: null, hasNote: false };
      stage((next) => {
        insert(next.tickets, 'tickets.id', ticket.id, { ...ticket, ...computed });
      });
    },
    saveStatus({ id, version, status, updatedAt, triagedAt, triageSeconds, customerVersion, customerUpdatedAt }) {
      const values = { version, status, triagedAt, triageSeconds, customerVersion };
      stage((next) =>
        update(next.tickets, id, {
          ...values,
          updatedAt: notBefore(next, id, updatedAt),
          customerUpdatedAt: notBefore(next, id, customerUpdatedAt, 'customerUpdatedAt'),
        }),
      );
    },
    addNote({ id, version }, note) {
      guard(
        ({ tickets }) => tickets.get(id)?.version === version,
        () => new ConcurrencyError(),
      );
      stage((next) => {
        requireParent(next.tickets, note.ticketId);
        insert(next.ticketNotes, 'ticket_notes.id', note.id, note);
        const newest = select(next.ticketNotes, ({ ticketId }) => ticketId === id).every((one) => one.id <= note.id);
        const preview = newest ? { notePreview: previewOf(note.note) } : {};
        update(next.tickets, id, { ...preview, hasNote: true, updatedAt: notBefore(next, id, note.createdAt) });
      });
    },
    addReply(ticket, reply) {
      const { id, version } = ticket;
      const { by, createdAt: at } = reply;
      guard(
        ({ tickets }) => tickets.get(id)?.version === version,
        () => new ConcurrencyError(),
      );
      const after = afterReply(ticket, by, at);
      stage((next) => {
        requireParent(next.tickets, reply.ticketId);
        insert(next.ticketReplies, 'ticket_replies.id', reply.id, reply);
        const newest = select(next.ticketReplies, ({ ticketId }) => ticketId === id).every((one) => one.id <= reply.id);
        update(next.tickets, id, {
          ...(newest && { lastSpeaker: by }),
          ...(after.version !== version && {
            version: after.version,
            status: after.status,
            customerVersion: after.customerVersion,
          }),
          updatedAt: notBefore(next, id, at),
          customerUpdatedAt: notBefore(next, id, at, 'customerUpdatedAt'),
        });
      });
      return after;
    },
    saveAssignee({ id, version, assigneeId, updatedAt }) {
      if (assigneeId !== null) {
        guard(
          ({ users }) => users.get(assigneeId)?.isActive === true && users.get(assigneeId)?.role !== 'customer',
          () => ticketErrors.unknownAssignee({ assigneeId }, { pointer: '/assigneeId' }),
        );
      }
      stage((next) => update(next.tickets, id, { version, assigneeId, updatedAt: notBefore(next, id, updatedAt) }));
    },
    find: async (id) => find(read().tickets, id),
    async removeNextOf(customerId, most) {
      const isTheirs = (ticket: Ticket) => ticket.customerId === customerId;
      const taken = takeRows(context, ({ tickets }) => tickets, isTheirs, most);
      const isTaken = (ticket: Ticket) => taken.rows.some(({ id }) => id === ticket.id);
      if (taken.rows.length > 0) stage((next) => removeTickets(next, isTaken));
      return toVersions(taken);
    },
    releaseNextOf: async (assigneeId, at, most) =>
      release(
        (ticket) => ticket.assigneeId === assigneeId && ticket.customerId !== assigneeId,
        () => at,
        most,
      ),
    async releaseNextOfFormer(assigneeId, most) {
      const isFormer = ({ users }: MemoryState) => {
        const account = users.get(assigneeId);
        return account !== undefined && (!account.isActive || account.role === 'customer');
      };
      if (!isFormer(read())) return { rows: [], isLast: true };
      const changedAt = ({ users }: MemoryState) => users.get(assigneeId)?.updatedAt ?? '';
      const taken = release((ticket) => ticket.assigneeId === assigneeId, changedAt, most);
      if (taken.rows.length > 0) guard(isFormer, () => new ConcurrencyError());
      return taken;
    },
  };
}
