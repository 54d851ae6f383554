import type { Item, Note, Order, State, Ticket } from './state';

// What a read returns in a state, as the API's clients see it.

/** A part of a list. */
export interface PageOf {
  limit: number;
  /** The id of the last row of the page before. */
  after?: string | undefined;
  order?: 'newest' | 'oldest' | undefined;
}

const newestFirst = (a: { id: string }, b: { id: string }) => (a.id < b.id ? 1 : -1);

/** A page of rows, and whether more rows follow. */
export function pageOf<Row extends { id: string }>(rows: Iterable<Row>, { limit, after, order }: PageOf) {
  const sorted = [...rows].sort(newestFirst);
  if (order === 'oldest') sorted.reverse();
  const isLater = (id: string) => after === undefined || (order === 'oldest' ? id > after : id < after);
  const left = sorted.filter(({ id }) => isLater(id));
  return { data: left.slice(0, limit), hasMore: left.length > limit };
}

/** The same of a list that is counted: an empty page after the first one does not know how many rows the list has. */
export function countedPageOf<Row extends { id: string }>(rows: readonly Row[], part: PageOf) {
  const page = pageOf(rows, part);
  return { ...page, total: page.data.length === 0 && part.after !== undefined ? undefined : rows.length };
}

const count = <Row>(rows: ReadonlyMap<string, Row>, counts: (row: Row) => boolean) =>
  [...rows.values()].filter(counts).length;

export function userDocument({ users, items, links, orders, tickets }: State, id: string) {
  const user = users.get(id);
  if (!user) return undefined;
  const { name, email, role, isActive, createdAt, updatedAt, lastLoginAt, version } = user;
  const itemCount = count(items, ({ ownerId }) => ownerId === id);
  const orderCount = count(orders, ({ customerId }) => customerId === id);
  const openTicketCount = count(tickets, ({ customerId, status }) => customerId === id && status === 'open');
  const pending = [...links.values()].find(
    (link) => link.userId === id && link.kind === 'change' && link.usedAt === null,
  );
  const data = { id, name, email, role, isActive, createdAt, updatedAt, lastLoginAt, itemCount, orderCount };
  const address = { emailConfirmed: user.emailConfirmedAt !== null, pendingEmail: pending?.email ?? null };
  return { version, data: { ...data, ...address, openTicketCount } };
}

export function settingsDocument({ settings }: State, id: string) {
  const found = settings.get(id);
  if (!found) return undefined;
  const { version, ...data } = found;
  return { version, data };
}

export function itemDocument({ items }: State, id: string) {
  const item = items.get(id);
  if (!item) return undefined;
  const { version, stockVersion, takenDownBy, ...data } = item;
  return { version: version + stockVersion, data: { ...data, takenDown: takenDownBy !== null } };
}

export function orderDocument({ orders }: State, id: string) {
  const order = orders.get(id);
  if (!order) return undefined;
  const { version, address: shippingAddress, tookFrom: _, ...data } = order;
  return { version, data: { ...data, shippingAddress } };
}

const ticketData = ({ id, customerId, orderId, subject, message, status, createdAt }: Ticket) => ({
  ...{ id, customerId, orderId, subject, message, status, createdAt },
});

/** A ticket as its customer sees it. */
export function ticketDocument({ tickets }: State, id: string) {
  const ticket = tickets.get(id);
  if (!ticket) return undefined;
  return { version: ticket.customerVersion, data: { ...ticketData(ticket), updatedAt: ticket.customerUpdatedAt } };
}

export const noteRow = ({ id, authorId, note, createdAt }: Note) => ({ id, authorId, note, createdAt });

/** A ticket as agents and admins see it, with its newest notes. */
export function staffTicketDocument({ tickets }: State, id: string, limit: number) {
  const ticket = tickets.get(id);
  if (!ticket) return undefined;
  const { version, updatedAt } = ticket;
  const { data: notes } = pageOf(ticket.notes.map(noteRow), { limit });
  return { version, data: { ...ticketData(ticket), updatedAt, notes, noteCount: ticket.notes.length } };
}

export const userRow = ({ id, name }: { id: string; name: string }) => ({ id, name });

export const itemRow = ({ id, ownerId, title, price, isActive, takenDownBy }: Item) => ({
  ...{ id, ownerId, title, price, isActive },
  takenDown: takenDownBy !== null,
});

export const orderRow = ({ id, number, customerId, status, total, lines, createdAt }: Order) => ({
  ...{ id, number, customerId, status, total, createdAt },
  lineCount: lines.length,
});

/** Every text of the simulation is shorter than a preview. */
export const ticketRow = ({ id, subject, status, message, createdAt, customerUpdatedAt }: Ticket) => ({
  ...{ id, subject, status, preview: message, createdAt },
  updatedAt: customerUpdatedAt,
});

export const staffTicketRow = (ticket: Ticket) => ({
  ...ticketRow(ticket),
  customerId: ticket.customerId,
  updatedAt: ticket.updatedAt,
  hasNote: ticket.notes.length > 0,
  notePreview: ticket.notes.at(-1)?.note ?? null,
});

/** The figures of the support desk; `days` has only days on which something happened. */
export function dashboardDocument({ days, tickets }: State) {
  const all = [...tickets.values()];
  const countOf = (status: string) => all.filter((ticket) => ticket.status === status).length;
  const open = all.filter(({ status }) => status === 'open').sort(newestFirst);
  const waited = all.flatMap(({ triageSeconds }) => triageSeconds ?? []).sort((a, b) => a - b);
  const middle = [waited[Math.floor((waited.length - 1) / 2)], waited[Math.floor(waited.length / 2)]];
  const [low, high] = middle;
  return {
    counts: { open: countOf('open'), triaged: countOf('triaged'), closed: countOf('closed') },
    days: Object.fromEntries(days),
    oldestOpenAt: open.at(-1)?.createdAt ?? null,
    medianTriageSeconds: low === undefined || high === undefined ? null : Math.round((low + high) / 2),
  };
}
