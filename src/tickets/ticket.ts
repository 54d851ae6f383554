import { DomainError } from '../platform/errors';

export const ticketStatuses = ['open', 'triaged', 'closed'] as const;
export type TicketStatus = (typeof ticketStatuses)[number];

/** A request for help. Times are ISO 8601. */
export interface Ticket {
  id: string;
  version: number;
  customerId: string;
  orderId: string | null;
  subject: string;
  message: string;
  status: TicketStatus;
  createdAt: string;
  updatedAt: string;
  /** When it first left `open`, and how long that took. */
  triagedAt: string | null;
  triageSeconds: number | null;
  /** Version and time of the last change that its customer may know of: notes move neither. */
  shownVersion: number;
  shownAt: string;
}

/** What an agent notes for agents. */
export interface TicketNote {
  id: string;
  ticketId: string;
  authorId: string;
  note: string;
  createdAt: string;
}

/**
 * The ticket in its new status; the very same ticket when that is its status already.
 * @throws DomainError `tickets.closed` once it is closed
 */
export function changeStatus(ticket: Ticket, status: TicketStatus, at: string): Ticket {
  if (ticket.status === status) return ticket;
  if (ticket.status === 'closed') {
    throw new DomainError('conflict', 'tickets.closed', 'A closed ticket keeps its status.');
  }
  const version = ticket.version + 1;
  return {
    ...ticket,
    status,
    version,
    shownVersion: version,
    updatedAt: at,
    shownAt: at,
    ...triage(ticket, at),
  };
}

/** The first change of status is always one away from `open`. */
function triage({ triagedAt, triageSeconds, createdAt }: Ticket, at: string) {
  if (triagedAt !== null) return { triagedAt, triageSeconds };
  return { triagedAt: at, triageSeconds: Math.max(0, Math.round((Date.parse(at) - Date.parse(createdAt)) / 1000)) };
}

/** The ticket with one note more: its customer is not to notice. */
export function withNote(ticket: Ticket, at: string): Ticket {
  return { ...ticket, version: ticket.version + 1, updatedAt: at };
}

const previewLength = 120;

/** The first 120 characters of a text, cut at a word; a line break is a space here. */
export function previewOf(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line.length <= previewLength) return line;
  const head = line.slice(0, previewLength + 1);
  const lastSpace = head.lastIndexOf(' ');
  // A word longer than the preview is cut where it must be, but never through a surrogate pair.
  const cut = lastSpace > 0 ? head.slice(0, lastSpace) : head.slice(0, previewLength).replace(/[\ud800-\udbff]$/, '');
  return `${cut}…`;
}

export function ticketNotFound(): DomainError {
  return new DomainError('not-found', 'tickets.not-found', 'There is no such ticket.');
}
