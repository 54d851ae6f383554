import { eq, type SQL, sql } from 'drizzle-orm';
import type { RepositoryContext } from '../cqrs/writing/d1-unit-of-work';
import type { Actor } from '../cqrs/writing/unit-of-work';
import { orders } from '../orders/tables';
import { runBatch } from '../platform/d1';
import { ConcurrencyError, DomainError } from '../platform/errors';
import { type OwnedRow, takeOwned } from '../users/owned';
import { standingQuery, validActorId } from '../users/standing';
import type { AccountStanding } from '../users/user';
import { ticketCounts, ticketDays, ticketNotes, tickets } from './tables';
import { previewOf, type Ticket, type TicketNote, type TicketStatus } from './ticket';

/** The tickets of the write model, with the previews and figures that are computed when they are written. */
export interface TicketRepository {
  /** Adds a ticket of the actor; the commit itself checks their standing, and that the order is theirs. */
  add(ticket: Ticket, actor: Actor): void;
  saveStatus(ticket: Ticket, before: TicketStatus): void;
  addNote(ticket: Ticket, note: TicketNote): void;
  /** The ticket together with the actor's standing, in one round trip. */
  findFor(id: string, actor: Actor): Promise<{ ticket: Ticket | undefined; standing: AccountStanding | undefined }>;
  /** Takes all tickets of a customer, to be deleted in this commit: one that is opened meanwhile refuses it. */
  removeOf(customerId: string): Promise<OwnedRow[]>;
}

/** The domain errors behind the constraints of this domain's tables. */
export const ticketConstraints = {
  'tickets.customer_id': () =>
    new DomainError('unauthenticated', 'auth.invalid-token', 'The access token is no longer valid.'),
  'tickets.version': () => new ConcurrencyError(),
  tickets_order: () => {
    const [code, detail] = ['tickets.unknown-order', 'This is not one of your orders.'];
    return new DomainError('invalid', code, detail, { errors: [{ pointer: '/orderId', detail, code }] });
  },
};

function orderOf(ticket: Ticket, actor: Actor): SQL<string> | null {
  if (ticket.orderId === null) return null;
  return sql`coalesce((SELECT id FROM ${orders} WHERE id = ${ticket.orderId} AND customer_id = ${actor.id}), '')`;
}

export function createTicketRepository(context: RepositoryContext): TicketRepository {
  const { db, stage } = context;

  function count(status: TicketStatus, change: number): void {
    stage(
      db
        .insert(ticketCounts)
        .values({ status, count: change })
        .onConflictDoUpdate({ target: ticketCounts.status, set: { count: sql`count + ${change}` } }),
    );
  }

  function countDay(at: string, figure: 'opened' | 'closed'): void {
    stage(
      db
        .insert(ticketDays)
        .values({ date: at.slice(0, 10), [figure]: 1 })
        .onConflictDoUpdate({ target: ticketDays.date, set: { [figure]: sql`${ticketDays[figure]} + 1` } }),
    );
  }

  return {
    add(ticket, actor) {
      const computed = { preview: previewOf(ticket.message), notePreview: null, hasNote: false };
      const checked = { customerId: validActorId(actor), orderId: orderOf(ticket, actor) };
      stage(db.insert(tickets).values({ ...ticket, ...computed, ...checked }));
      count('open', 1);
      countDay(ticket.createdAt, 'opened');
    },
    saveStatus(ticket, before) {
      const { version, status, updatedAt, triagedAt, triageSeconds, shownVersion, shownAt } = ticket;
      const values = { version, status, updatedAt, triagedAt, triageSeconds, shownVersion, shownAt };
      stage(db.update(tickets).set(values).where(eq(tickets.id, ticket.id)));
      count(before, -1);
      count(status, 1);
      if (status === 'closed') countDay(updatedAt, 'closed');
    },
    addNote({ id, version, updatedAt }, note) {
      const values = { version, updatedAt, hasNote: true, notePreview: previewOf(note.note) };
      stage(db.update(tickets).set(values).where(eq(tickets.id, id)));
      stage(db.insert(ticketNotes).values(note));
    },
    async findFor(id, actor) {
      const [rows, standings] = await runBatch(db, [
        db.select().from(tickets).where(eq(tickets.id, id)),
        standingQuery(db, actor),
      ]);
      return { ticket: rows[0], standing: standings[0] };
    },
    async removeOf(customerId) {
      const taken = await takeOwned(context, tickets, tickets.customerId, customerId);
      stage(
        db.run(sql`
          UPDATE ticket_counts SET count = count - (SELECT count(*) FROM tickets
            WHERE customer_id = ${customerId} AND tickets.status = ticket_counts.status)`),
      );
      stage(db.delete(tickets).where(eq(tickets.customerId, customerId)));
      return taken;
    },
  };
}
