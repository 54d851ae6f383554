import type { PasswordReset, RefreshToken, Session } from '../../../src/auth/session';
import type { RecordedEvent, Subscription } from '../../../src/cqrs/log/event';
import type { rebuilds } from '../../../src/cqrs/reading/tables';
import type { Item } from '../../../src/items/item';
import type { Order, ShippingAddress } from '../../../src/orders/order';
import type { TicketReply } from '../../../src/tickets/reply';
import type { Ticket, TicketNote } from '../../../src/tickets/ticket';
import type { EmailConfirmation } from '../../../src/users/email-confirmation';
import type { Erasure } from '../../../src/users/repository';
import type { Settings } from '../../../src/users/settings';
import type { User } from '../../../src/users/user';

export interface StoredAddress {
  orderId: string;
  customerId: string;
  address: ShippingAddress;
}

/** A ticket with the columns that are computed when it is written. */
export interface TicketRow extends Ticket {
  preview: string;
  notePreview: string | null;
  hasNote: boolean;
}

export type RebuildRow = typeof rebuilds.$inferSelect;

export interface DeliveryRow {
  position: number;
  subscription: Subscription;
  status: 'pending' | 'dead';
  attempts: number;
  failures: number;
  lastError: string | null;
  /** Milliseconds. */
  availableAt: number;
}

interface StoredResponse {
  requestHash: string;
  result: unknown;
  position: number;
  /** Milliseconds. */
  expiresAt: number;
}

/** Everything that is committed. Each map is a table by its primary key. */
export interface MemoryState {
  users: Map<string, User>;
  settings: Map<string, Settings>;
  emailConfirmations: Map<string, EmailConfirmation>;
  erasures: Map<string, Erasure>;
  sessions: Map<string, Session>;
  refreshTokens: Map<string, RefreshToken>;
  passwordResets: Map<string, PasswordReset>;
  items: Map<string, Item>;
  orders: Map<string, Order>;
  shippingAddresses: Map<string, StoredAddress>;
  tickets: Map<string, TicketRow>;
  ticketNotes: Map<string, TicketNote>;
  ticketReplies: Map<string, TicketReply>;
  rebuilds: Map<string, RebuildRow>;
  /** By position and subscription, such as `42-emails`. */
  deliveries: Map<string, DeliveryRow>;
  responses: Map<string, StoredResponse>;
  events: RecordedEvent[];
}

export function emptyState(): MemoryState {
  return {
    users: new Map(),
    settings: new Map(),
    emailConfirmations: new Map(),
    erasures: new Map(),
    sessions: new Map(),
    refreshTokens: new Map(),
    passwordResets: new Map(),
    items: new Map(),
    orders: new Map(),
    shippingAddresses: new Map(),
    tickets: new Map(),
    ticketNotes: new Map(),
    ticketReplies: new Map(),
    rebuilds: new Map(),
    deliveries: new Map(),
    responses: new Map(),
    events: [],
  };
}

/** The position of the newest event; 0 for an empty log. */
export function lastPosition({ events }: MemoryState): number {
  return events.at(-1)?.position ?? 0;
}
