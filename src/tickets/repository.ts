import { eq, sql } from 'drizzle-orm';
import type { RowsWithoutEvents } from '../access/account-parts';
import type { CheckedActor } from '../access/caller';
import { ConcurrencyError } from '../cqrs/writing/errors';
import { type AggregateVersion, removeNextRows, type TakenRows } from '../cqrs/writing/owned-rows';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import { orders } from '../orders/tables';
import { limits } from '../platform/limits';
import { users } from '../users/tables';
import { ticketErrors } from './errors';
import { ticketDays, ticketNotes, tickets } from './tables';
import { previewOf, type Ticket, type TicketNote } from './ticket';

/** The tickets of the write model. Each write also updates the previews and the figures of the dashboard. */
export interface TicketRepository {
  /**
   * Adds a ticket. The commit fails if the ticket is for somebody else who has no active account, or if it names an order
   * that is not the customer's.
   */
  add(ticket: Ticket, by: CheckedActor): void;
  /** Saves a new status. A note in the meantime keeps its effects, and `updatedAt` never goes back. */
  saveStatus(ticket: Ticket, by: CheckedActor): void;
  /**
   * Adds a note; the ticket shows the preview of its newest one.
   * @param ticket the ticket as it was read; the commit fails if its status has changed since, and not for another note
   */
  addNote(ticket: Ticket, note: TicketNote, by: CheckedActor): void;
  find(id: string): Promise<Ticket | undefined>;
  /**
   * Deletes the next tickets of a customer with their notes, `most` at most, and returns them. If none is left, the commit
   * fails if a ticket was opened in the meantime.
   */
  removeNextOf(customerId: string, most: number): Promise<TakenRows<AggregateVersion>>;
}

/**
 * The notes of the tickets that the next step of an erasure takes. They are deleted with their tickets, as long as they are few;
 * of more than one step may delete, the first are deleted before.
 */
export const notesOfAccount: RowsWithoutEvents = {
  most: () => limits.notesPerErasureStep,
  select: (userId) => sql`
    SELECT n.ticket_id, n.id FROM (
      SELECT id FROM ${tickets} WHERE customer_id = ${userId} ORDER BY id LIMIT ${limits.rowsPerErasureStep}) AS t
    JOIN ${ticketNotes} AS n ON n.ticket_id = t.id`,
  remove(userId) {
    const most = limits.notesPerErasureStep;
    const next = sql`SELECT ticket_id, id FROM (${this.select(userId)}) LIMIT ${most}`;
    const more = sql`SELECT 1 FROM (${this.select(userId)}) LIMIT 1 OFFSET ${most}`;
    return [sql`DELETE FROM ${ticketNotes} WHERE (ticket_id, id) IN (${next}) AND EXISTS (${more})`];
  },
};

export function createTicketRepository(context: RepositoryContext): TicketRepository {
  const { db, stage, guard } = context;

  function countDay(at: string, figure: 'opened' | 'closed'): void {
    stage(
      db
        .insert(ticketDays)
        .values({ date: at.slice(0, 10), [figure]: 1 })
        .onConflictDoUpdate({ target: ticketDays.date, set: { [figure]: sql`${ticketDays[figure]} + 1` } }),
    );
  }

  /** The later one of a time and `updatedAt`: notes and statuses are committed without regard to each other. */
  const notBefore = (at: string) => sql<string>`max(${tickets.updatedAt}, ${at})`;

  return {
    add(ticket, by) {
      const { orderId, customerId } = ticket;
      if (customerId !== by.id) {
        guard(sql`EXISTS (SELECT 1 FROM ${users} WHERE ${users.id} = ${customerId} AND ${users.isActive} = 1)`, () =>
          ticketErrors.unknownCustomer({ customerId }, { pointer: '/customerId' }),
        );
      }
      if (orderId !== null) {
        guard(
          sql`EXISTS (SELECT 1 FROM ${orders} WHERE ${orders.id} = ${orderId} AND ${orders.customerId} = ${customerId})`,
          () => ticketErrors.unknownOrder({ orderId }, { pointer: '/orderId' }),
        );
      }
      const computed = { preview: previewOf(ticket.message), notePreview: null, hasNote: false };
      stage(db.insert(tickets).values({ ...ticket, ...computed }));
      countDay(ticket.createdAt, 'opened');
    },
    saveStatus(ticket) {
      const { version, status, updatedAt, triagedAt, triageSeconds, customerVersion, customerUpdatedAt } = ticket;
      const values = { version, status, triagedAt, triageSeconds, customerVersion, customerUpdatedAt };
      stage(
        db
          .update(tickets)
          .set({ ...values, updatedAt: notBefore(updatedAt) })
          .where(eq(tickets.id, ticket.id)),
      );
      if (status === 'closed') countDay(updatedAt, 'closed');
    },
    addNote({ id, version }, note) {
      guard(
        sql`EXISTS (SELECT 1 FROM ${tickets} WHERE ${tickets.id} = ${id} AND ${tickets.version} = ${version})`,
        () => new ConcurrencyError(),
      );
      stage(db.insert(ticketNotes).values(note));
      // Notes are committed in any order, and their ids have the order in which they were written.
      const isNewest = sql`NOT EXISTS (SELECT 1 FROM ticket_notes WHERE ticket_id = ${id} AND id > ${note.id})`;
      const notePreview = sql<string>`CASE WHEN ${isNewest} THEN ${previewOf(note.note)} ELSE note_preview END`;
      stage(
        db
          .update(tickets)
          .set({ hasNote: true, notePreview, updatedAt: notBefore(note.createdAt) })
          .where(eq(tickets.id, id)),
      );
    },
    find: async (id) => (await db.select().from(tickets).where(eq(tickets.id, id)))[0],
    removeNextOf: (customerId, most) =>
      removeNextRows(context, { table: tickets, owner: tickets.customerId, ownerId: customerId }, most),
  };
}
