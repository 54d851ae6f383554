import { type CheckedActor, isStaff } from '../access/caller';
import { ticketErrors } from './errors';
import type { Ticket } from './ticket';
import type { Speaker } from './ticket-status';

/** What somebody wrote on a ticket after its message. Its customer, agents and admins can read it. */
export interface TicketReply {
  id: string;
  ticketId: string;
  authorId: string;
  by: Speaker;
  message: string;
  /** ISO 8601. */
  createdAt: string;
}

/**
 * In which part somebody speaks on a ticket: an agent speaks as the customer on a ticket of their own.
 * @throws DomainError 404 for another customer's ticket, whose existence is secret
 */
export function speakerOn({ id, customerId }: Pick<Ticket, 'id' | 'customerId'>, actor: CheckedActor): Speaker {
  if (customerId === actor.id) return 'customer';
  if (!isStaff(actor)) throw ticketErrors.notFound({ ticketId: id });
  return 'staff';
}

/** The version of a ticket that a speaker knows. Customers count only what they see. */
export function versionFor(speaker: Speaker, { version, customerVersion }: Ticket): number {
  return speaker === 'customer' ? customerVersion : version;
}

/**
 * The ticket after a reply. A reply of the customer opens a ticket again that is triaged or closed; its triage stays what it
 * was, because the median is about the first answer.
 */
export function afterReply(ticket: Ticket, by: Speaker, at: string): Ticket {
  const replied = { ...ticket, lastSpeaker: by, updatedAt: at, customerUpdatedAt: at };
  if (by === 'staff' || ticket.status === 'open') return replied;
  return { ...replied, status: 'open', version: ticket.version + 1, customerVersion: ticket.customerVersion + 1 };
}
