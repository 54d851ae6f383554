import type { Item, Note, Order, Reply, State, Ticket } from './state';

// What a read returns in a state, as the API's clients see it.

/** A part of a list. */
export interface PageOf {
  limit: number;
  /** The key of the last row of the page before. */
  after?: string | undefined;
  order?: 'newest' | 'oldest' | undefined;
  sort?: Sort | undefined;
}

export type Sort = 'created' | 'updated';

interface Row {
  id: string;
  updatedAt?: string;
}

const newestFirst = (a: { id: string }, b: { id: string }) => (a.id < b.id ? 1 : -1);

/** By what the rows of a list are sorted: times have one form, so texts have their order. */
export const keyOf = ({ id, updatedAt }: Row, sort: Sort | undefined) =>
  sort === 'updated' ? `${updatedAt} ${id}` : id;

/** A page of rows, and whether more rows follow. */
export function pageOf<One extends Row>(rows: Iterable<One>, { limit, after, order, sort }: PageOf) {
  const sorted = [...rows].sort((a, b) => (keyOf(a, sort) < keyOf(b, sort) ? 1 : -1));
  if (order === 'oldest') sorted.reverse();
  const isLater = (key: string) => after === undefined || (order === 'oldest' ? key > after : key < after);
  const left = sorted.filter((row) => isLater(keyOf(row, sort)));
  return { data: left.slice(0, limit), hasMore: left.length > limit };
}

/** The same of a list that is counted: an empty page after the first one does not know how many rows the list has. */
export function countedPageOf<One extends Row>(rows: readonly One[], part: PageOf) {
  const page = pageOf(rows, part);
  return { ...page, total: page.data.length === 0 && part.after !== undefined ? undefined : rows.length };
}

const count = <One>(rows: ReadonlyMap<string, One>, counts: (row: One) => boolean) =>
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
  const { version, address: shippingAddress, tookFrom, lines, ...data } = order;
  const shown = lines.map((line) => ({ ...line, tookStock: tookFrom.includes(line.itemId) }));
  return { version, data: { ...data, lines: shown, shippingAddress } };
}

const ticketData = ({ id, customerId, orderId, subject, message, status, createdAt }: Ticket) => ({
  ...{ id, customerId, orderId, subject, message, status, createdAt },
});

/** How many replies a document has, and how many bytes of them. */
export interface ReplyLimits {
  repliesInTicket: number;
  replyBytesInTicket: number;
}

/** A reply as agents and admins see it. */
export const staffReply = ({ id, by, authorId, message, createdAt }: Reply) => ({
  id,
  by,
  authorId,
  message,
  createdAt,
});
/** A reply as the ticket's customer sees it. */
export const replyRow = ({ id, by, message, createdAt }: Reply) => ({ id, by, message, createdAt });

/** The newest replies, as many as fit. Every text of the simulation is ASCII. */
export function newestReplies({ replies }: Ticket, { repliesInTicket, replyBytesInTicket }: ReplyLimits): Reply[] {
  let bytes = 0;
  const fits = ({ message }: Reply, index: number) => {
    bytes += JSON.stringify(message).length;
    return index === 0 || bytes <= replyBytesInTicket;
  };
  return pageOf(replies, { limit: repliesInTicket }).data.filter(fits);
}

/** A ticket as its customer sees it. */
export function ticketDocument({ tickets }: State, id: string, limits: ReplyLimits) {
  const ticket = tickets.get(id);
  if (!ticket) return undefined;
  const replies = { replies: newestReplies(ticket, limits).map(replyRow), replyCount: ticket.replies.length };
  const data = { ...ticketData(ticket), ...replies, updatedAt: ticket.customerUpdatedAt };
  return { version: ticket.customerVersion, data };
}

export const noteRow = ({ id, authorId, note, createdAt }: Note) => ({ id, authorId, note, createdAt });

/** A ticket as agents and admins see it, with its newest replies and notes. */
export function staffTicketDocument({ tickets }: State, id: string, limits: ReplyLimits & { notesInTicket: number }) {
  const ticket = tickets.get(id);
  if (!ticket) return undefined;
  const { assigneeId, version, updatedAt } = ticket;
  const { data: notes } = pageOf(ticket.notes.map(noteRow), { limit: limits.notesInTicket });
  const replies = { replies: newestReplies(ticket, limits).map(staffReply), replyCount: ticket.replies.length };
  const texts = { ...replies, notes, noteCount: ticket.notes.length };
  return { version, data: { ...ticketData(ticket), assigneeId, updatedAt, ...texts } };
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
export const ticketRow = ({ id, subject, status, message, createdAt, customerUpdatedAt, replies }: Ticket) => ({
  ...{ id, subject, status, preview: message, createdAt },
  updatedAt: customerUpdatedAt,
  lastSpeaker: replies.at(-1)?.by ?? 'customer',
});

export const staffTicketRow = (ticket: Ticket) => ({
  ...ticketRow(ticket),
  customerId: ticket.customerId,
  assigneeId: ticket.assigneeId,
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
