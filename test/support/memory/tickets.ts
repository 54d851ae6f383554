import { ticketErrors } from '../../../src/tickets/errors';
import type { TicketRepository } from '../../../src/tickets/repository';
import { previewOf } from '../../../src/tickets/ticket';
import { type MemoryContext, raiseVersionsOf } from './context';
import type { MemoryState } from './state';
import { find, insert, remove, requireParent, update } from './table';

/** Deletes a customer's tickets with their notes. */
export function removeTickets(next: MemoryState, ownerId: string): void {
  remove(
    next.tickets,
    ({ customerId }) => customerId === ownerId,
    (id) => remove(next.ticketNotes, ({ ticketId }) => ticketId === id),
  );
}

/** The figures of the dashboard are no part of the interface, so they exist on D1 only. */
export function createTicketRepository(context: MemoryContext): TicketRepository {
  const { read, stage, guard } = context;
  return {
    add(ticket) {
      const { orderId, customerId } = ticket;
      if (orderId !== null) {
        guard(
          ({ orders }) => orders.get(orderId)?.customerId === customerId,
          () => ticketErrors.unknownOrder({ orderId }, { pointer: '/orderId' }),
        );
      }
      const computed = { preview: previewOf(ticket.message), notePreview: null, hasNote: false };
      stage((next) => {
        requireParent(next.users, customerId);
        insert(next.tickets, 'tickets.id', ticket.id, { ...ticket, ...computed });
      });
    },
    saveStatus({ id, version, status, updatedAt, triagedAt, triageSeconds, customerVersion, customerUpdatedAt }) {
      const values = { version, status, updatedAt, triagedAt, triageSeconds, customerVersion, customerUpdatedAt };
      stage((next) => update(next.tickets, id, values));
    },
    addNote: ({ id, version, updatedAt }, note) =>
      stage((next) => {
        update(next.tickets, id, { version, updatedAt, hasNote: true, notePreview: previewOf(note.note) });
        requireParent(next.tickets, note.ticketId);
        insert(next.ticketNotes, 'ticket_notes.id', note.id, note);
      }),
    find: async (id) => find(read().tickets, id),
    async removeAllOf(customerId) {
      const removed = raiseVersionsOf(
        context,
        ({ tickets }) => tickets,
        (ticket) => ticket.customerId === customerId,
      );
      stage((next) => removeTickets(next, customerId));
      return removed;
    },
  };
}
