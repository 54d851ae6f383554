import type { Queries } from '../../../src/domains';
import type { Credential } from './knowledge';
import type { Moment, Reading } from './queries';
import type { Order, State, Ticket } from './state';

// What the exports have at a moment, as the model knows it.

type ReportName = 'ExportOrders' | 'ExportTickets' | 'ExportEvents';

const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);

function customerOf({ users }: State, customerId: string | null) {
  const { name: customerName, email: customerEmail } = users.get(customerId ?? '') ?? { name: null, email: null };
  return { customerName, customerEmail };
}

function orderRow(state: State, includesPersonal: boolean) {
  return ({ id, number, status, customerId, lines, total, address, createdAt, updatedAt }: Order) => ({
    ...{ id, number, status, customerId, lines, createdAt, updatedAt, ...total, lineCount: lines.length },
    ...(includesPersonal && { ...customerOf(state, customerId), shippingAddress: address }),
  });
}

function ticketRow(state: State, includesPersonal: boolean) {
  return (ticket: Ticket) => {
    const { id, status, customerId, orderId, notes, subject, message, createdAt, updatedAt } = ticket;
    const { triagedAt, triageSeconds } = ticket;
    return {
      ...{ id, status, customerId, orderId, hasNote: notes.length > 0, createdAt, updatedAt, triagedAt, triageSeconds },
      ...(includesPersonal && { ...customerOf(state, customerId), subject, message }),
    };
  };
}

/** All rows of an export at a moment. */
function rowsOf(name: ReportName, { events, state }: Moment, includesPersonal: boolean): object[] {
  if (name === 'ExportEvents') return events.map(({ position, id }) => ({ position, id }));
  if (name === 'ExportOrders') return [...state.orders.values()].sort(byId).map(orderRow(state, includesPersonal));
  return [...state.tickets.values()].sort(byId).map(ticketRow(state, includesPersonal));
}

const shown = (name: ReportName) => (row: object) => {
  if (name !== 'ExportEvents') return row;
  const { position, id } = row as { position: number; id: string };
  return { position, id };
};

/** A read of the first page of an export, which is of one moment. `limit` is the number of rows of a page. */
export function readingOfReport(
  name: ReportName,
  by: Credential,
  includesPersonal: boolean,
  limit: () => number,
): Reading {
  return {
    what: `the first page of ${name}${includesPersonal ? ' with personal data' : ''}`,
    by,
    async run(queries) {
      const size = limit();
      const { freshness, pages } = await queries[name]({ includesPersonal });
      for await (const rows of pages) return { content: { size, rows: rows.map(shown(name)) }, freshness };
      throw new Error('An export has a first page.');
    },
    expect(moment, content) {
      if (by.caller.role !== 'admin') return { refused: 'auth.insufficient-role' };
      const { size } = content as { size: number };
      return { size, rows: rowsOf(name, moment, includesPersonal).slice(0, size) };
    },
  };
}

/** A read of the head of an account's export, which is of one moment. */
export function readingOfAccount(id: string, by: Credential): Reading {
  return {
    what: `the export of account ${id}`,
    by,
    async run(queries) {
      const { freshness, head } = await queries.ExportAccount({ id });
      const { exportedAt: _, ...content } = head;
      return { content, freshness };
    },
    expect({ state: { users, settings } }) {
      if (by.caller.userId !== id && by.caller.role !== 'admin') return { refused: 'exports.not-yours' };
      const user = users.get(id);
      const { version: _, ...own } = settings.get(id) ?? { version: 0 };
      if (!user) return { refused: 'exports.account-not-found' };
      const { name, email, emailConfirmedAt, role, isActive, createdAt, updatedAt, lastLoginAt } = user;
      const account = { id, name, email, emailConfirmedAt, role, isActive, createdAt, updatedAt, lastLoginAt };
      return { account, settings: own };
    },
  };
}

/** The ids of everything that an export has, in the order of its pages. */
export async function idsOf(queries: Queries, name: ReportName): Promise<string[]> {
  const { pages } = await queries[name]({ includesPersonal: true });
  const ids: string[] = [];
  for await (const rows of pages) ids.push(...rows.map(({ id }) => id));
  return ids;
}
