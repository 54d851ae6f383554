import { z } from 'zod';
import { defineCommand } from '../cqrs/writing/command';
import { requireVersion } from '../cqrs/writing/expected-version';
import { type CommandContext, requireActor, type Transaction, type UnitOfWork } from '../cqrs/writing/unit-of-work';
import { isoTime } from '../platform/clock';
import { newId } from '../platform/ids';
import type { AccountOwned } from '../users/commands';
import { isStaff, requireStaff, requireValidToken } from '../users/user';
import * as events from './events';
import type { TicketRepository } from './repository';
import * as schemas from './schemas';
import { changeStatus, type Ticket, ticketNotFound, withNote } from './ticket';

export interface TicketTransaction {
  tickets: TicketRepository;
}

// Made once: the services themselves are made for every request.
const target = z.strictObject({ ticketId: schemas.ticketId });
const changeTicketStatus = target.extend(schemas.changeTicketStatus.shape);
const addTicketNote = target.extend(schemas.addTicketNote.shape);

/** The commands on tickets: a status and a note are two intents, each its own command and event. */
export function createTicketCommands(unitOfWork: UnitOfWork<TicketTransaction>) {
  return {
    OpenTicket: defineCommand(schemas.openTicket, ({ subject, message, orderId }, context) =>
      unitOfWork.run(context, async (tx) => {
        const actor = requireActor(context);
        const at = isoTime(context.issuedAt);
        const ticket: Ticket = {
          id: newId(),
          version: 1,
          customerId: actor.id,
          orderId: orderId ?? null,
          subject,
          message,
          status: 'open',
          createdAt: at,
          updatedAt: at,
          triagedAt: null,
          triageSeconds: null,
          shownVersion: 1,
          shownAt: at,
        };
        tx.tickets.add(ticket, actor);
        const { id, version, customerId } = ticket;
        tx.record(events.TicketOpened.create(id, version, { customerId, orderId: ticket.orderId }));
        return { id, version };
      }),
    ),

    ChangeTicketStatus: defineCommand(changeTicketStatus, ({ ticketId, status }, context) =>
      unitOfWork.run(context, async (tx) => {
        const ticket = await loadForStaff(tx, ticketId, context);
        const next = changeStatus(ticket, status, isoTime(context.issuedAt));
        if (next !== ticket) {
          tx.tickets.saveStatus(next, ticket.status);
          const facts = { customerId: ticket.customerId, from: ticket.status, to: status };
          tx.record(events.TicketStatusChanged.create(ticketId, next.version, facts));
        }
        return { id: ticketId, version: next.version };
      }),
    ),

    AddTicketNote: defineCommand(addTicketNote, ({ ticketId, note }, context) =>
      unitOfWork.run(context, async (tx) => {
        const ticket = await loadForStaff(tx, ticketId, context);
        const at = isoTime(context.issuedAt);
        const next = withNote(ticket, at);
        const noteId = newId();
        tx.tickets.addNote(next, { id: noteId, ticketId, authorId: requireActor(context).id, note, createdAt: at });
        tx.record(events.TicketNoteAdded.create(ticketId, next.version, { noteId, status: ticket.status }));
        return { id: ticketId, version: next.version };
      }),
    ),
  };
}

/** To others than staff a ticket that is not theirs does not exist; their own they may read, but not work on. */
async function loadForStaff(
  tx: Transaction<TicketTransaction>,
  ticketId: string,
  context: CommandContext,
): Promise<Ticket> {
  const actor = requireActor(context);
  const { ticket, standing } = await tx.tickets.findFor(ticketId, actor);
  const valid = requireValidToken(standing, actor.issuedAt);
  if (!ticket || (ticket.customerId !== valid.id && !isStaff(valid))) throw ticketNotFound();
  requireStaff(valid);
  requireVersion(ticket.version, context);
  return ticket;
}

/** What becomes of a customer's tickets when their account is deleted: they hold their words, and go with it. */
export function deleteTickets(tickets: TicketRepository): AccountOwned {
  return async (customerId) => {
    const removed = await tickets.removeOf(customerId);
    return removed.map(({ id, version }) => events.TicketDeleted.create(id, version + 1, { customerId }));
  };
}
