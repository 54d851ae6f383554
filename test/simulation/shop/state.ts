// The state of the small shop as the reference model keeps it. It is written apart from the code: nothing here comes
// from src/. A state is never changed; a command makes a new one from it.

export type Role = 'customer' | 'agent' | 'admin';

/** The caller of a request, as its access token states it. */
export interface Caller {
  userId: string;
  role: Role;
  tokenGeneration: number;
  /** The API key for which the token was issued. */
  key?: { id: string; scopes: readonly string[] } | undefined;
  /** The session in which the token was issued. */
  sessionId?: string;
}

export interface Money {
  amount: number;
  currency: string;
}

export interface User {
  id: string;
  version: number;
  name: string;
  email: string;
  password: string;
  role: Role;
  isActive: boolean;
  generation: number;
  createdAt: string;
  updatedAt: string;
  lastLoginAt: string | null;
  emailConfirmedAt: string | null;
  /** Whether a program uses the account. */
  isService: boolean;
}

export interface ApiKey {
  userId: string;
  name: string;
  scopes: readonly string[];
  createdAt: string;
  expiresAt: number | null;
}

export interface Settings {
  version: number;
  locale: string;
  timezone: string;
  emailNotifications: boolean;
  updatedAt: string;
}

export interface Session {
  userId: string;
  version: number;
  isRevoked: boolean;
}

export interface RefreshToken {
  sessionId: string;
  expiresAt: number;
  usedAt: number | null;
}

export interface Reset {
  userId: string;
  expiresAt: number;
  /** Used, or ended by a newer link, a new password, a new address or a deactivation. */
  isUsed: boolean;
}

/** A link that confirms an address. */
export interface Link {
  userId: string;
  kind: 'registration' | 'change';
  email: string;
  previousEmail: string | null;
  expiresAt: number;
  usedAt: number | null;
}

export interface Item {
  id: string;
  version: number;
  ownerId: string;
  title: string;
  description: string | null;
  price: Money;
  stock: number | null;
  /** How often the stock was changed, also by orders. */
  stockVersion: number;
  isActive: boolean;
  /** The agent or admin who took the item off sale. */
  takenDownBy: string | null;
  createdAt: string;
  updatedAt: string;
}

export interface OrderLine {
  itemId: string;
  title: string;
  quantity: number;
  price: Money;
}

export interface Order {
  id: string;
  number: number;
  version: number;
  customerId: string | null;
  status: 'placed' | 'cancelled' | 'shipped' | 'delivered';
  lines: readonly OrderLine[];
  total: Money;
  address: unknown;
  /** The items that had a stock when the order was placed, so that a cancellation returns their pieces. */
  tookFrom: readonly string[];
  createdAt: string;
  updatedAt: string;
}

export interface Note {
  id: string;
  authorId: string;
  note: string;
  createdAt: string;
}

export interface Reply {
  id: string;
  authorId: string;
  by: 'customer' | 'staff';
  message: string;
  createdAt: string;
}

export type TicketStatus = 'open' | 'triaged' | 'closed';

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
  triagedAt: string | null;
  triageSeconds: number | null;
  /** How many versions the customer has seen, and the time of the last change that they see, which no note is. */
  customerVersion: number;
  customerUpdatedAt: string;
  notes: readonly Note[];
  /** Oldest first, as the notes. */
  replies: readonly Reply[];
  assigneeId: string | null;
}

type Table<Row> = ReadonlyMap<string, Row>;

export interface State {
  users: Table<User>;
  settings: Table<Settings>;
  sessions: Table<Session>;
  /** By the text of the token; a token that no client has received has a made-up text. */
  refreshTokens: Table<RefreshToken>;
  resets: Table<Reset>;
  links: Table<Link>;
  apiKeys: Table<ApiKey>;
  items: Table<Item>;
  orders: Table<Order>;
  tickets: Table<Ticket>;
  /** By the date (UTC). Tickets that were deleted later are counted too. */
  days: Table<{ opened: number; reopened: number; closed: number }>;
  /** By the id of the deleted account: how many steps are done of the erasure of what it owned, and when it began. */
  erasures: Table<{ steps: number; startedAt: string }>;
  /** The read model of each rebuild that was started, and whether it was cancelled. */
  rebuilds: Table<{ view: string; isCancelled: boolean }>;
}

export const emptyState: State = {
  users: new Map(),
  settings: new Map(),
  sessions: new Map(),
  refreshTokens: new Map(),
  resets: new Map(),
  links: new Map(),
  apiKeys: new Map(),
  items: new Map(),
  orders: new Map(),
  tickets: new Map(),
  days: new Map(),
  erasures: new Map(),
  rebuilds: new Map(),
};

/** A change of the state. */
export type Effect = (state: State) => State;

/** Adds or replaces a row of a table. */
export function put<Name extends keyof State>(name: Name, key: string, row: RowOf<Name>): Effect {
  return (state) => ({ ...state, [name]: new Map<string, unknown>(state[name]).set(key, row) });
}

export type RowOf<Name extends keyof State> = State[Name] extends Table<infer Row> ? Row : never;

/** Changes the rows of a table that a condition selects; a row that becomes undefined is removed. */
export function each<Name extends keyof State>(
  name: Name,
  selects: (row: RowOf<Name>, key: string) => boolean,
  change: (row: RowOf<Name>) => RowOf<Name> | undefined,
): Effect {
  return (state) => {
    const rows = new Map<string, unknown>();
    for (const [key, row] of state[name] as ReadonlyMap<string, RowOf<Name>>) {
      const next = selects(row, key) ? change(row) : row;
      if (next !== undefined) rows.set(key, next);
    }
    return { ...state, [name]: rows };
  };
}

export function all(...effects: readonly Effect[]): Effect {
  return (state) => effects.reduce((current, effect) => effect(current), state);
}

type Listed = Pick<Ticket | Order, 'id' | 'status'>;

/** The order of the indexes that begin with an account and a status. */
export function byStatus(one: Listed, other: Listed): number {
  return `${one.status} ${one.id}` < `${other.status} ${other.id}` ? -1 : 1;
}
