import { and, eq, ne, type SQL, sql } from 'drizzle-orm';
import type { RowsWithoutEvents } from '../access/account-parts';
import type { CheckedActor } from '../access/caller';
import { ConcurrencyError } from '../cqrs/writing/errors';
import { type AggregateVersion, isAnyOf, removeNextRows, type TakenRows } from '../cqrs/writing/owned-rows';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import { orders } from '../orders/tables';
import { limits } from '../platform/limits';
import { users } from '../users/tables';
import { ticketErrors } from './errors';
import { afterReply, type TicketReply } from './reply';
import { ticketDays, ticketNotes, ticketReplies, tickets } from './tables';
import { previewOf, type Ticket, type TicketNote } from './ticket';
import type { Speaker } from './ticket-status';

/** The tickets of the write model. Each write also updates the previews and the figures of the dashboard. */
export interface TicketRepository {
  /**
   * Adds a ticket. The commit fails if the ticket is for somebody else who has no active account, or if it names an order
   * that is not the customer's.
   */
  add(ticket: Ticket, by: CheckedActor): void;
  /** Saves a new status. A note or a reply in the meantime keeps its effects, and no time goes back. */
  saveStatus(ticket: Ticket, by: CheckedActor): void;
  /**
   * Adds a note; the ticket shows the preview of its newest one.
   * @param ticket the ticket as it was read; the commit fails if its status has changed since, and not for another note
   */
  addNote(ticket: Ticket, note: TicketNote, by: CheckedActor): void;
  /**
   * Adds a reply, and reopens the ticket where {@link afterReply} says so; the ticket shows who wrote the newest reply.
   * @param ticket the ticket as it was read; the commit fails if its status or its assignee has changed since, and not for
   * another reply
   * @returns the ticket after the reply
   */
  addReply(ticket: Ticket, reply: TicketReply, by: CheckedActor): Ticket;
  /** Saves the assignee. The commit fails if that account is not an active agent or admin by then. */
  saveAssignee(ticket: Ticket, by: CheckedActor): void;
  find(id: string): Promise<Ticket | undefined>;
  /**
   * Deletes the next tickets of a customer with their notes, `most` at most, and returns them. If none is left, the commit
   * fails if a ticket was opened in the meantime.
   */
  removeNextOf(customerId: string, most: number): Promise<TakenRows<AggregateVersion>>;
  /**
   * Releases the next tickets of others that somebody works on, `most` at most, at a time in ISO 8601, and returns them as they
   * were. If none is left, the commit fails if a ticket was assigned in the meantime.
   */
  releaseNextOf(assigneeId: string, at: string, most: number): Promise<TakenRows<ReleasedTicket>>;
  /**
   * Releases the next tickets of an account that exists and is no active agent or admin, `most` at most, as of the last change of
   * that account, and returns them as they were. The commit fails if the account may work on tickets again by then.
   */
  releaseNextOfFormer(assigneeId: string, most: number): Promise<TakenRows<ReleasedTicket>>;
}

/** What the event of a released ticket says of it, as it was. */
export type ReleasedTicket = AggregateVersion & Pick<Ticket, 'customerId'>;

/**
 * The texts of the tickets that the next step of an erasure takes. They are deleted with their tickets, as long as they are few;
 * of more than one step may delete, the first are deleted before.
 */
function textsOfAccount(table: typeof ticketNotes | typeof ticketReplies): RowsWithoutEvents {
  const most = () => limits.notesPerErasureStep;
  const select = (userId: string) => sql`
    SELECT n.ticket_id, n.id FROM (
      SELECT id FROM ${tickets} WHERE customer_id = ${userId} ORDER BY id LIMIT ${limits.rowsPerErasureStep}) AS t
    JOIN ${table} AS n ON n.ticket_id = t.id`;
  return {
    most,
    select,
    remove(userId) {
      const next = sql`SELECT ticket_id, id FROM (${select(userId)}) LIMIT ${most()}`;
      const more = sql`SELECT 1 FROM (${select(userId)}) LIMIT 1 OFFSET ${most()}`;
      return [sql`DELETE FROM ${table} WHERE (ticket_id, id) IN (${next}) AND EXISTS (${more})`];
    },
  };
}

export const notesOfAccount = textsOfAccount(ticketNotes);
export const repliesOfAccount = textsOfAccount(ticketReplies);

export function createTicketRepository(context: RepositoryContext): TicketRepository {
  const { db, stage, guard } = context;

  function countDay(at: string, figure: 'opened' | 'reopened' | 'closed'): void {
    stage(
      db
        .insert(ticketDays)
        .values({ date: at.slice(0, 10), [figure]: 1 })
        .onConflictDoUpdate({ target: ticketDays.date, set: { [figure]: sql`${ticketDays[figure]} + 1` } }),
    );
  }

  // The later time: notes, replies and statuses are committed without regard to each other.
  const updatedAt = (at: string) => sql<string>`max(${tickets.updatedAt}, ${at})`;
  const customerUpdatedAt = (at: string) => sql<string>`max(${tickets.customerUpdatedAt}, ${at})`;

  /** Notes and replies change no version, so the ticket has to be as it was read. */
  const requireUnchanged = ({ id, version }: Ticket) =>
    guard(
      sql`EXISTS (SELECT 1 FROM ${tickets} WHERE ${tickets.id} = ${id} AND ${tickets.version} = ${version})`,
      () => new ConcurrencyError(),
    );

  /** Releases the next of these tickets, `most` at most. @param at the time in ISO 8601, as SQL */
  async function release(isTheirs: SQL | undefined, at: SQL, most: number): Promise<TakenRows<ReleasedTicket>> {
    const loaded = await db
      .select({ id: tickets.id, version: tickets.version, customerId: tickets.customerId })
      .from(tickets)
      .where(isTheirs)
      .orderBy(tickets.status, tickets.id)
      .limit(most + 1);
    const isLast = loaded.length <= most;
    if (isLast) {
      const left = sql`(SELECT count(*) FROM (SELECT 1 FROM ${tickets} WHERE ${isTheirs} LIMIT ${most + 1}))`;
      guard(sql`${left} = ${loaded.length}`, () => new ConcurrencyError());
    }
    const rows = loaded.slice(0, most);
    if (rows.length > 0) {
      const updatedAt = sql`max(${tickets.updatedAt}, ${at})`;
      const released = { assigneeId: null, version: sql`${tickets.version} + 1`, updatedAt };
      const ids = rows.map(({ id }) => id);
      stage(db.update(tickets).set(released).where(isAnyOf(tickets.id, ids)));
    }
    return { rows, isLast };
  }

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
      const { version, status, triagedAt, triageSeconds, customerVersion } = ticket;
      const values = { version, status, triagedAt, triageSeconds, customerVersion };
      const times = {
        updatedAt: updatedAt(ticket.updatedAt),
        customerUpdatedAt: customerUpdatedAt(ticket.customerUpdatedAt),
      };
      stage(
        db
          .update(tickets)
          .set({ ...values, ...times })
          .where(eq(tickets.id, ticket.id)),
      );
      if (status === 'closed') countDay(ticket.updatedAt, 'closed');
    },
    addNote(ticket, note) {
      const { id } = ticket;
      requireUnchanged(ticket);
      stage(db.insert(ticketNotes).values(note));
      // Notes are committed in any order, and their ids have the order in which they were written.
      const isNewest = sql`NOT EXISTS (SELECT 1 FROM ticket_notes WHERE ticket_id = ${id} AND id > ${note.id})`;
      const notePreview = sql<string>`CASE WHEN ${isNewest} THEN ${previewOf(note.note)} ELSE note_preview END`;
      stage(
        db
          .update(tickets)
          .set({ hasNote: true, notePreview, updatedAt: updatedAt(note.createdAt) })
          .where(eq(tickets.id, id)),
      );
    },
    addReply(ticket, reply) {
      const { id } = ticket;
      const { createdAt: at, by } = reply;
      requireUnchanged(ticket);
      stage(db.insert(ticketReplies).values(reply));
      // As with notes, the newest reply counts, and not the one that is committed last.
      const isNewest = sql`NOT EXISTS (SELECT 1 FROM ticket_replies WHERE ticket_id = ${id} AND id > ${reply.id})`;
      const lastSpeaker = sql<Speaker>`CASE WHEN ${isNewest} THEN ${by} ELSE last_speaker END`;
      const next = afterReply(ticket, by, at);
      const { version, status, customerVersion } = next;
      const isReopened = version !== ticket.version;
      const values = {
        ...{ lastSpeaker, updatedAt: updatedAt(at), customerUpdatedAt: customerUpdatedAt(at) },
        ...(isReopened && { version, status, customerVersion }),
      };
      stage(db.update(tickets).set(values).where(eq(tickets.id, id)));
      if (isReopened && ticket.status === 'closed') countDay(at, 'reopened');
      return next;
    },
    saveAssignee({ id, version, assigneeId, updatedAt: at }) {
      if (assigneeId !== null) {
        guard(
          sql`EXISTS (SELECT 1 FROM ${users} WHERE ${users.id} = ${assigneeId} AND ${users.isActive} = 1 AND ${users.role} <> 'customer')`,
          () => ticketErrors.unknownAssignee({ assigneeId }, { pointer: '/assigneeId' }),
        );
      }
      stage(
        db
          .update(tickets)
          .set({ version, assigneeId, updatedAt: updatedAt(at) })
          .where(eq(tickets.id, id)),
      );
    },
    find: async (id) => (await db.select().from(tickets).where(eq(tickets.id, id)))[0],
    removeNextOf: (customerId, most) =>
      removeNextRows(context, { table: tickets, owner: tickets.customerId, ownerId: customerId }, most),
    releaseNextOf: (assigneeId, at, most) =>
      // The account's own tickets are deleted.
      release(and(eq(tickets.assigneeId, assigneeId), ne(tickets.customerId, assigneeId)), sql`${at}`, most),
    async releaseNextOfFormer(assigneeId, most) {
      const isFormer = sql`EXISTS (SELECT 1 FROM ${users} WHERE ${users.id} = ${assigneeId}
        AND (${users.isActive} = 0 OR ${users.role} = 'customer'))`;
      const changedAt = sql`(SELECT ${users.updatedAt} FROM ${users} WHERE ${users.id} = ${assigneeId})`;
      const taken = await release(and(eq(tickets.assigneeId, assigneeId), isFormer), changedAt, most);
      if (taken.rows.length > 0) guard(isFormer, () => new ConcurrencyError());
      return taken;
    },
  };
}
