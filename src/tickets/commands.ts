import { z } from 'zod';
import { activeAccount, type DefineCommand } from '../access/access-rules';
import type { AccountDeletionHandler } from '../access/account-parts';
import { type CheckedActor, requireStaff } from '../access/caller';
import type { CommandDetails } from '../cqrs/writing/command';
import { requireVersion } from '../cqrs/writing/expected-version';
import { newId } from '../platform/ids';
import { ticketErrors } from './errors';
import * as events from './events';
import type { TicketRepository } from './repository';
import * as schemas from './schemas';
import { changeStatus, requireWorkable, type Ticket, type TicketNote } from './ticket';

export interface TicketTransaction {
  tickets: TicketRepository;
}

const target = z.strictObject({ ticketId: schemas.ticketId });
const changeTicketStatus = target.extend(schemas.changeTicketStatus.shape);
const addTicketNote = target.extend(schemas.addTicketNote.shape);

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
  };
}

export type TicketCommands = ReturnType<typeof createTicketCommands>;

async function loadForWork(
  tx: TicketTransaction,
  ticketId: string,
  details: CommandDetails<CheckedActor>,
): Promise<Ticket> {
  const ticket = await tx.tickets.find(ticketId);
  if (!ticket) throw ticketErrors.notFound({ ticketId });
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
