import { type CheckedActor, isStaff, requireStaff } from '../access/caller';
import { ticketErrors } from './errors';
import type { Speaker, TicketStatus } from './ticket-status';

/** A customer's request for help. Times are ISO 8601. */
export interface Ticket {
  id: string;
  /** Counts the events of the ticket's stream. Notes and replies are streams of their own, and do not raise it. */
  version: number;
  customerId: string;
  orderId: string | null;
  subject: string;
  message: string;
  status: TicketStatus;
  createdAt: string;
  updatedAt: string;
  /** The time when the ticket first left the status `open`, and the seconds until then. */
  triagedAt: string | null;
  triageSeconds: number | null;
  /** How many versions the customer has seen, and the time of the last change that they see. Neither shows a note or an assignee. */
  customerVersion: number;
  customerUpdatedAt: string;
  /** The agent or admin who works on the ticket. */
  assigneeId: string | null;
  /** Who wrote the newest text that the customer sees. */
  lastSpeaker: Speaker;
}

/** An internal note, which agents and admins can read, and customers cannot. */
export interface TicketNote {
  id: string;
  ticketId: string;
  authorId: string;
  note: string;
  createdAt: string;
}

/**
 * Checks that the actor may work on a ticket: only agents and admins may change tickets and read notes.
 * @throws DomainError 404 for another customer's ticket, whose existence is secret, and 403 for the actor's own ticket
 */
export function requireWorkable({ id, customerId }: Pick<Ticket, 'id' | 'customerId'>, actor: CheckedActor): void {
  if (customerId !== actor.id && !isStaff(actor)) throw ticketErrors.notFound({ ticketId: id });
  requireStaff(actor);
}

/**
 * Returns the ticket with a new status, or the same object if the ticket has this status already.
 * @throws DomainError `tickets.closed` for a closed ticket
 */
export function changeStatus(ticket: Ticket, status: TicketStatus, at: string): Ticket {
  if (ticket.status === status) return ticket;
  if (ticket.status === 'closed') throw ticketErrors.closed({ ticketId: ticket.id });
  const version = ticket.version + 1;
  return {
    ...ticket,
    status,
    version,
    // Not the version, which also counts the notes that were added up to version 0.3.0.
    customerVersion: ticket.customerVersion + 1,
    updatedAt: at,
    customerUpdatedAt: at,
    ...triage(ticket, at),
  };
}

/** A ticket starts as `open`, so its first change of status is the triage. */
function triage({ triagedAt, triageSeconds, createdAt }: Ticket, at: string) {
  if (triagedAt !== null) return { triagedAt, triageSeconds };
  return { triagedAt: at, triageSeconds: Math.max(0, Math.round((Date.parse(at) - Date.parse(createdAt)) / 1000)) };
}

/** Gives the ticket to an agent or admin, or to nobody; the same object if it is theirs already. */
export function assign(ticket: Ticket, assigneeId: string | null, at: string): Ticket {
  if (ticket.assigneeId === assigneeId) return ticket;
  return { ...ticket, assigneeId, version: ticket.version + 1, updatedAt: at };
}

const previewLength = 120;

/** The first 120 characters of a text, cut at a word; line breaks become spaces. */
export function previewOf(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line.length <= previewLength) return line;
  const head = line.slice(0, previewLength + 1);
  const lastSpace = head.lastIndexOf(' ');
  // A word that is longer than the preview is cut too, but never inside a surrogate pair.
  const cut = lastSpace > 0 ? head.slice(0, lastSpace) : head.slice(0, previewLength).replace(/[\ud800-\udbff]$/, '');
  return `${cut}…`;
}
