import * as z from 'zod';
import { activeAccount, anyone, type DefineCommand } from '../access/access-rules';
import type { AccountDeletionHandler } from '../access/account-parts';
import { type CheckedActor, requireStaff } from '../access/caller';
import type { CommandDetails } from '../cqrs/writing/command';
import { requireVersion } from '../cqrs/writing/expected-version';
import { newId } from '../platform/ids';
import { limits } from '../platform/limits';
import { uuid } from '../platform/uuid';
import { ticketErrors } from './errors';
import * as events from './events';
import { speakerOn, type TicketReply, versionFor } from './reply';
import type { ReleasedTicket, TicketRepository } from './repository';
import * as schemas from './schemas';
import { assign, changeStatus, requireWorkable, type Ticket, type TicketNote } from './ticket';

export interface TicketTransaction {
  tickets: TicketRepository;
}

const target = z.strictObject({ ticketId: schemas.ticketId });
const changeTicketStatus = target.extend(schemas.changeTicketStatus.shape);
const addTicketNote = target.extend(schemas.addTicketNote.shape);
const replyToTicket = target.extend(schemas.replyToTicket.shape);
const assignTicket = target.extend(schemas.assignTicket.shape);

/** The commands on tickets. */
export function createTicketCommands(command: DefineCommand<TicketTransaction>) {
  return {
    OpenTicket: command({
      input: schemas.openTicket,
      onlyIf: activeAccount,
      handle({ subject, message, orderId = null, customerId }, tx, { actor, at }) {
        if (customerId !== undefined) requireStaff(actor);
        const ticket: Ticket = {
          id: newId(),
          version: 1,
          customerId: customerId ?? actor.id,
          orderId,
          subject,
          message,
          status: 'open',
          createdAt: at,
          updatedAt: at,
          triagedAt: null,
          triageSeconds: null,
          customerVersion: 1,
          customerUpdatedAt: at,
          assigneeId: null,
          lastSpeaker: 'customer',
        };
        tx.tickets.add(ticket, actor);
        const facts = { customerId: ticket.customerId, orderId };
        tx.record(events.TicketOpened.create(ticket.id, ticket.version, facts));
        return { id: ticket.id, version: ticket.version };
      },
    }),

    ChangeTicketStatus: command({
      input: changeTicketStatus,
      onlyIf: activeAccount,
      async handle({ ticketId, status }, tx, details) {
        const ticket = await loadForWork(tx, ticketId, details);
        const next = changeStatus(ticket, status, details.at);
        if (next !== ticket) {
          tx.tickets.saveStatus(next, details.actor);
          const facts = { customerId: ticket.customerId, from: ticket.status, to: status };
          tx.record(events.TicketStatusChanged.create(ticketId, next.version, facts));
        }
        return { id: ticketId, version: next.version };
      },
    }),

    /** Adds a note. The ticket keeps its version, so notes conflict neither with each other nor with an `If-Match`. */
    AddTicketNote: command({
      input: addTicketNote,
      onlyIf: activeAccount,
      async handle({ ticketId, note }, tx, details) {
        const { actor, at } = details;
        const ticket = await loadForWork(tx, ticketId, details);
        const added: TicketNote = { id: newId(), ticketId, authorId: actor.id, note, createdAt: at };
        tx.tickets.addNote(ticket, added, actor);
        tx.record(events.TicketNoteWritten.create(added.id, 1, { ticketId, status: ticket.status }));
        return { id: ticketId, version: ticket.version };
      },
    }),

    /**
     * Adds a reply. Only a reply that reopens the ticket raises its version, so other replies conflict neither with each
     * other nor with an `If-Match`. Customers send and get the version that they see.
     */
    ReplyToTicket: command({
      input: replyToTicket,
      onlyIf: activeAccount,
      async handle({ ticketId, message }, tx, details) {
        const { actor, at } = details;
        const ticket = await find(tx, ticketId);
        const by = speakerOn(ticket, actor);
        requireVersion(versionFor(by, ticket), details);
        const { customerId, status: from } = ticket;
        const reply: TicketReply = { id: newId(), ticketId, authorId: actor.id, by, message, createdAt: at };
        const next = tx.tickets.addReply(ticket, reply, actor);
        tx.record(events.TicketReplied.create(reply.id, 1, { ticketId, customerId, by, status: next.status }));
        if (next.version !== ticket.version && from !== 'open') {
          tx.record(events.TicketReopened.create(ticketId, next.version, { customerId, from }));
        }
        return { id: ticketId, version: versionFor(by, next) };
      },
    }),

    /** Gives the ticket to an agent or admin, or releases it. What the customer sees stays as it is. */
    AssignTicket: command({
      input: assignTicket,
      onlyIf: activeAccount,
      async handle({ ticketId, assigneeId }, tx, details) {
        const ticket = await loadForWork(tx, ticketId, details);
        const next = assign(ticket, assigneeId, details.at);
        if (next !== ticket) {
          tx.tickets.saveAssignee(next, details.actor);
          const { customerId } = ticket;
          tx.record(events.TicketAssigned.create(ticketId, next.version, { customerId, assigneeId }));
        }
        return { id: ticketId, version: next.version };
      },
    }),

    /**
     * Releases the next tickets of an account that was deactivated or is a customer by now. The schedule sends it; the tickets
     * of an active agent or admin stay.
     */
    ReleaseTickets: command({
      input: z.strictObject({ assigneeId: uuid }),
      onlyIf: anyone,
      readsPrimary: true,
      async handle({ assigneeId }, tx) {
        const { rows, isLast } = await tx.tickets.releaseNextOfFormer(assigneeId, limits.ticketsPerRelease);
        for (const event of toReleased(rows)) tx.record(event);
        return { rows: rows.length, isFinished: isLast };
      },
    }),
  };
}

const toReleased = (rows: readonly ReleasedTicket[]) =>
  rows.map(({ id, version, customerId }) =>
    events.TicketAssigned.create(id, version + 1, { customerId, assigneeId: null }),
  );

export type TicketCommands = ReturnType<typeof createTicketCommands>;

async function find(tx: TicketTransaction, ticketId: string): Promise<Ticket> {
  const ticket = await tx.tickets.find(ticketId);
  if (!ticket) throw ticketErrors.notFound({ ticketId });
  return ticket;
}

async function loadForWork(
  tx: TicketTransaction,
  ticketId: string,
  details: CommandDetails<CheckedActor>,
): Promise<Ticket> {
  const ticket = await find(tx, ticketId);
  requireWorkable(ticket, details.actor);
  requireVersion(ticket.version, details);
  return ticket;
}

/** Deletes the tickets of an account that is deleted, because the texts of a ticket can contain personal data. */
export function deleteTicketsOfAccount(tickets: TicketRepository): AccountDeletionHandler {
  return async (customerId, _, most) => {
    const { rows, isLast } = await tickets.removeNextOf(customerId, most);
    const deleted = rows.map(({ id, version }) => events.TicketDeleted.create(id, version + 1, { customerId }));
    return { events: deleted, rows: rows.length, isFinished: isLast };
  };
}

/** Releases the tickets on which a deleted account works, so that others find them among those that nobody works on. */
export function releaseTicketsOfAssignee(tickets: TicketRepository): AccountDeletionHandler {
  return async (assigneeId, at, most) => {
    const { rows, isLast } = await tickets.releaseNextOf(assigneeId, at, most);
    return { events: toReleased(rows), rows: rows.length, isFinished: isLast };
  };
}
