import type { Queries } from '../../../src/domains';
import { nextId } from '../ids';
import type { Behaviour } from './behaviours';
import * as documents from './documents';
import { readingOfAccount, readingOfReport } from './exports';
import { readingOfFeed } from './feed';
import type { Credential, Knowledge } from './knowledge';
import type { ObservedLog } from './log';
import { salesDocument } from './model-sales';
import type { ReadAnswer } from './record';
import type { Caller, Role, State } from './state';

/** An event of the log, as far as the check needs it. */
export interface LoggedEvent {
  position: number;
  id: string;
  /** The type as the first version records it. */
  type: string;
  recordedType: string;
  streamId: string;
  version: number;
  data: Record<string, unknown>;
  requestId: string;
  commandId: string;
  actorId: string | undefined;
  keyId: string | undefined;
}

/** The state after a position, with the log up to this position. */
export interface Moment {
  state: State;
  events: readonly LoggedEvent[];
}

export interface Freshness {
  consistency: string;
  /** Undefined for a replica that does not know its age. */
  ageSeconds: number | undefined;
  source: string;
  forwarded?: string;
}

/** What a read returned, without what the model does not know. */
export interface Answer {
  content: unknown;
  freshness?: Freshness | undefined;
  /** The id of the last row, where another page follows. */
  lastId?: string | undefined;
  cursor?: string | undefined;
}

/** One read that a client is about to do. `expect` returns the content that is right at a moment. */
export interface Reading {
  what: string;
  by?: Credential | undefined;
  /** Whether anybody may read it without a token. */
  isPublic?: boolean;
  run(queries: Queries): Promise<Answer>;
  expect(moment: Moment, content: unknown): unknown;
  /** Takes the answer when it has arrived. */
  learn?(answer: ReadAnswer, log: ObservedLog): void;
  /** The reading of the page after this one. */
  next?(lastId: string, cursor: string): Reading;
}

interface Reader {
  behaviour?: Behaviour;
  weight: number;
  /** @param about the id of the thing to look at, where the query is about one */
  reading(shop: Knowledge, about?: string): Reading | undefined;
}

/** The content of a read that the model refuses. */
export const refusedWith = (code: string) => ({ refused: code });

interface FoundDocument extends Freshness {
  document: { version: number; data: unknown };
}

const documentOf = ({ document: { version, data }, ...freshness }: FoundDocument): Answer => ({
  content: { version, data },
  freshness,
});

interface FoundPage {
  data: { id: string }[];
  nextCursor: string | null;
  total?: number | undefined;
  freshness?: Freshness;
}

const pageOf = ({ data, nextCursor, total, freshness }: FoundPage): Answer => ({
  content: { data, hasMore: nextCursor !== null, total },
  freshness,
  lastId: data.at(-1)?.id,
  cursor: nextCursor ?? undefined,
});

/** Reads a document; `find` returns the right one, or undefined for one that the caller may not see. */
function document(
  what: string,
  by: Credential | undefined,
  run: (queries: Queries) => Promise<FoundDocument>,
  notFound: string,
  find: (state: State, caller: Caller | undefined) => unknown,
): Reading {
  return {
    what,
    by,
    run: async (queries) => documentOf(await run(queries)),
    expect: ({ state }) => find(state, by?.caller) ?? refusedWith(notFound),
  };
}

type Order = 'newest' | 'oldest';
type Sort = documents.Sort;

interface Rows {
  what: string;
  by?: Credential | undefined;
  isPublic?: boolean;
  limit: number;
  order?: Order;
  sort?: Sort;
  allowed?: readonly Role[];
  run(
    queries: Queries,
    page: { limit: number; cursor?: string | undefined; order?: Order | undefined; sort?: Sort | undefined },
  ): Promise<FoundPage>;
  rows(state: State, caller: Caller | undefined): { id: string }[];
}

/** Reads a page of a list, and the pages after it. */
function page(list: Rows, from?: { after: string; cursor: string }): Reading {
  const { by, limit, allowed, order, sort } = list;
  return {
    what: `${list.what}, ${order ?? 'newest'} ${sort ?? 'created'} first, ${limit} rows${from ? ` after ${from.after}` : ''}`,
    by,
    isPublic: list.isPublic ?? false,
    async run(queries) {
      const found = await list.run(queries, { limit, cursor: from?.cursor, order, sort });
      const last = found.data.at(-1);
      return { ...pageOf(found), lastId: last && documents.keyOf(last, sort) };
    },
    expect({ state }) {
      if (by && allowed && !allowed.includes(by.caller.role)) return refusedWith('auth.insufficient-role');
      return documents.countedPageOf(list.rows(state, by?.caller), { limit, after: from?.after, order, sort });
    },
    next: (after, cursor) => page(list, { after, cursor }),
  };
}

const isStaff = (caller: Caller | undefined) => caller !== undefined && caller.role !== 'customer';
const staff = ['agent', 'admin'] as const;
const all = ['customer', ...staff] as const;
/** Mostly a page that a list's document has, and sometimes a longer one, which D1 has. */
const limitOf = ({ usualPage, world }: Knowledge) =>
  world.chance(0.1) ? usualPage + world.between(1, 3) : world.between(1, Math.min(3, usualPage));
const someOrder = (shop: Knowledge) => (shop.world.chance(0.2) ? { order: 'oldest' as const } : {});
const maybe = <Value>(shop: Knowledge, value: Value) => (shop.world.chance(0.5) ? value : undefined);
const someId = (shop: Knowledge, list: Knowledge['items']) =>
  shop.does('strangers', 0.03) ? nextId() : shop.someOf(list)?.id;

/** A read for admins: `content` takes what the model knows from the result. */
function byAdmin<Result>(
  shop: Knowledge,
  what: string,
  run: (queries: Queries) => Promise<Result>,
  content: (result: Result) => unknown,
  expect: Reading['expect'],
): Reading | undefined {
  const by = shop.holderOf('admin');
  if (!by) return undefined;
  return {
    what,
    by,
    run: async (queries) => ({ content: content(await run(queries)) }),
    expect: (moment, found) =>
      by.caller.role === 'admin' ? expect(moment, found) : refusedWith('auth.insufficient-role'),
  };
}

interface Delivery {
  position: number;
  type: string;
  streamId: string;
  requestId: string | null;
}

/** A read of deliveries. Which of them wait or are dead depends on the world, and what they are about does not. */
function readingOfDeliveries(
  shop: Knowledge,
  what: string,
  list: (queries: Queries, page: { limit: number }) => Promise<{ data: readonly Delivery[] }>,
) {
  const page = { limit: limitOf(shop) };
  return byAdmin(
    shop,
    what,
    (queries) => list(queries, page),
    ({ data }) => data.map(({ position, type, streamId, requestId }) => ({ position, type, streamId, requestId })),
    ({ events }, content) =>
      (content as Delivery[]).map(({ position }) => {
        const { recordedType: type, streamId, requestId } = events[position - 1] ?? {};
        return { position, type, streamId, requestId };
      }),
  );
}

const ownerReads = (
  shop: Knowledge,
  list: Knowledge['items'],
  about: string | undefined,
  make: (id: string, by: Credential) => Reading,
) => {
  const id = about ?? someId(shop, list);
  const owner = list.find((one) => one.id === id)?.ownerId ?? '';
  const by = shop.ownerOr(owner, ...staff);
  return id === undefined || !by ? undefined : make(id, by);
};

/** The first page of an export for reporting. */
function report(name: Parameters<typeof readingOfReport>[0]): Reader {
  return {
    behaviour: 'exports',
    weight: 1,
    reading(shop) {
      const by = shop.holderOf('admin');
      const { limits } = shop.platform.releases[0];
      return by && readingOfReport(name, by, shop.world.chance(0.5), () => limits.rowsPerExportPage);
    },
  };
}

/** How many notes and replies the document and a page have. */
const limitsOf = (shop: Knowledge) => shop.platform.releases[0].limits;

/** Reads a page of a ticket's replies, and the pages after it. The first one is the document's, which may have fewer. */
function repliesPage(
  shop: Knowledge,
  id: string,
  by: Credential,
  limit: number,
  from?: { after: string; cursor: string },
): Reading {
  return {
    what: `the replies of ticket ${id}, ${limit} rows${from ? ` after ${from.after}` : ''}`,
    by,
    run: async (queries) => pageOf(await queries.ListTicketReplies({ id, limit, cursor: from?.cursor })),
    expect({ state }, content) {
      const ticket = state.tickets.get(id);
      const isPage = typeof content === 'object' && content !== null && 'data' in content;
      // As with notes: the ticket may be deleted before D1 is asked for its rows.
      if (!ticket && isPage && from) return documents.pageOf([], { limit });
      const isOwn = ticket?.customerId === by.caller.userId;
      if (!ticket || !(isStaff(by.caller) || isOwn)) return refusedWith('tickets.not-found');
      const toRow = isStaff(by.caller) ? documents.staffReply : documents.replyRow;
      if (from) return documents.pageOf(ticket.replies.map(toRow), { limit, after: from.after });
      const data = documents.newestReplies(ticket, limitsOf(shop)).slice(0, limit).map(toRow);
      return { data, hasMore: ticket.replies.length > data.length };
    },
    next: (after, cursor) => repliesPage(shop, id, by, limit, { after, cursor }),
  };
}

/** Reads a page of a ticket's notes, and the pages after it. */
function notesPage(id: string, by: Credential, limit: number, from?: { after: string; cursor: string }): Reading {
  return {
    what: `the notes of ticket ${id}, ${limit} rows${from ? ` after ${from.after}` : ''}`,
    by,
    run: async (queries) => pageOf(await queries.ListTicketNotes({ id, limit, cursor: from?.cursor })),
    expect({ state }, content) {
      const ticket = state.tickets.get(id);
      const isPage = typeof content === 'object' && content !== null && 'data' in content;
      // D1 has the rows of later pages, and is asked after the ticket was found. It may be deleted in between.
      if (!ticket && isPage && from) return documents.pageOf([], { limit });
      if (!ticket || (!isStaff(by.caller) && ticket.customerId !== by.caller.userId))
        return refusedWith('tickets.not-found');
      if (!isStaff(by.caller)) return refusedWith('auth.insufficient-role');
      return documents.pageOf(ticket.notes.map(documents.noteRow), { limit, after: from?.after });
    },
    next: (after, cursor) => notesPage(id, by, limit, { after, cursor }),
  };
}

export function ownAccount(by: Credential): Reading {
  const find = (state: State) => documents.userDocument(state, by.caller.userId);
  return document('one’s own account', by, (queries) => queries.GetOwnUser(), 'users.not-found', find);
}

/** How clients read with each query. A query of domains.ts that is missing here fails the type check. */
export const readers: { readonly [Name in keyof Queries]: Reader } = {
  GetUser: {
    weight: 6,
    reading(shop, about) {
      const id = shop.does('strangers', 0.03) ? nextId() : (about ?? shop.anyone()?.id);
      const by = id === undefined ? undefined : shop.ownerOr(id, ...staff);
      if (id === undefined || !by) return undefined;
      return document(
        `user ${id}`,
        by,
        (queries) => queries.GetUser({ id }),
        'users.not-found',
        (state, caller) => (caller?.userId === id || isStaff(caller) ? documents.userDocument(state, id) : undefined),
      );
    },
  },
  GetOwnUser: {
    weight: 3,
    reading(shop) {
      const by = shop.holderOf(...all);
      return by && ownAccount(by);
    },
  },
  ListUsers: {
    behaviour: 'lists',
    weight: 3,
    reading(shop) {
      const by = shop.holderOf(...staff);
      // One that there never was is among them now and then, and one that is named twice.
      const ids = shop.world.chance(0.2)
        ? [shop.anyone()?.id, shop.anyone()?.id].map((id) => id ?? nextId())
        : undefined;
      return (
        by &&
        page({
          what: ids ? `the users ${ids}` : 'users',
          by,
          limit: limitOf(shop),
          ...someOrder(shop),
          allowed: staff,
          run: (queries, request) => queries.ListUsers({ ...request, ids }),
          rows: ({ users }) => [...users.values()].filter(({ id }) => ids?.includes(id) ?? true).map(documents.userRow),
        })
      );
    },
  },
  GetSettings: {
    weight: 3,
    reading(shop, about) {
      const id = about ?? shop.anyone()?.id;
      const by = id === undefined ? undefined : shop.ownerOr(id, ...staff);
      if (id === undefined || !by) return undefined;
      return document(
        `settings ${id}`,
        by,
        (queries) => queries.GetSettings({ id }),
        'users.not-found',
        (state, caller) =>
          caller?.userId === id || isStaff(caller) ? documents.settingsDocument(state, id) : undefined,
      );
    },
  },
  ListApiKeys: {
    behaviour: 'keys',
    weight: 2,
    reading(shop) {
      const by = shop.holderOf(...all);
      if (!by) return undefined;
      const { role, userId } = by.caller;
      const isOfOther = role === 'admin' ? shop.world.chance(0.5) : shop.does('strangers', 0.05);
      const account = (isOfOther ? shop.anyone()?.id : undefined) ?? userId;
      return {
        what: `API keys of ${account}`,
        by,
        async run(queries) {
          const { data } = await queries.ListApiKeys({ account });
          return { content: data.map(({ id, accountId, name, scopes }) => ({ id, accountId, name, scopes })) };
        },
        expect({ state }) {
          if (account !== userId && role !== 'admin') return refusedWith('auth.insufficient-role');
          return [...state.apiKeys]
            .filter(([, key]) => key.userId === account)
            .map(([id, { name, scopes }]) => ({ id, accountId: account, name, scopes }))
            .sort((a, b) => (a.id < b.id ? 1 : -1));
        },
      };
    },
  },
  GetItem: {
    weight: 8,
    reading(shop, about) {
      const id = about ?? someId(shop, shop.items);
      if (id === undefined) return undefined;
      const run = (queries: Queries) => queries.GetItem({ id });
      const find = (state: State) => documents.itemDocument(state, id);
      return { ...document(`item ${id}`, undefined, run, 'items.not-found', find), isPublic: true };
    },
  },
  ListItems: {
    behaviour: 'lists',
    weight: 4,
    reading(shop) {
      const [owner, isActive] = [maybe(shop, shop.someOf(shop.items)?.ownerId), maybe(shop, shop.world.chance(0.5))];
      return page({
        what: `items of ${owner ?? 'everybody'}, active: ${isActive ?? '*'}`,
        isPublic: true,
        limit: limitOf(shop),
        ...someOrder(shop),
        run: (queries, request) => queries.ListItems({ ...request, owner, isActive }),
        rows: ({ items }) =>
          [...items.values()]
            .filter((item) => owner === undefined || item.ownerId === owner)
            .filter((item) => isActive === undefined || item.isActive === isActive)
            .map(documents.itemRow),
      });
    },
  },
  GetOrder: {
    weight: 8,
    reading: (shop, about) =>
      ownerReads(shop, shop.orders, about, (id, by) =>
        document(
          `order ${id}`,
          by,
          (queries) => queries.GetOrder({ id }),
          'orders.not-found',
          (state, caller) =>
            isStaff(caller) || state.orders.get(id)?.customerId === caller?.userId
              ? documents.orderDocument(state, id)
              : undefined,
        ),
      ),
  },
  ListOrders: {
    behaviour: 'lists',
    weight: 4,
    reading(shop) {
      const by = shop.holderOf(...all);
      if (!by) return undefined;
      const status = maybe(shop, shop.world.pick(['placed', 'cancelled', 'shipped', 'delivered'] as const));
      const customer = maybe(shop, shop.someOf(shop.orders)?.ownerId);
      const whose = isStaff(by.caller) ? customer : by.caller.userId;
      // Some of these orders do not exist.
      const number = shop.world.chance(0.3) ? 1001 + shop.world.between(0, shop.orders.length) : undefined;
      return page({
        what: `orders of ${whose ?? 'everybody'}, status: ${status ?? '*'}, number: ${number ?? '*'}`,
        by,
        limit: limitOf(shop),
        ...someOrder(shop),
        run: (queries, request) => queries.ListOrders({ ...request, number, status, customer }),
        rows: ({ orders }) =>
          [...orders.values()]
            .filter((order) => whose === undefined || order.customerId === whose)
            .filter((order) => status === undefined || order.status === status)
            .filter((order) => number === undefined || order.number === number)
            .map(documents.orderRow),
      });
    },
  },
  GetTicket: {
    weight: 8,
    reading: (shop, about) =>
      ownerReads(shop, shop.tickets, about, (id, by) =>
        document(
          `ticket ${id}`,
          by,
          (queries) => queries.GetTicket({ id }),
          'tickets.not-found',
          (state, caller) => {
            if (isStaff(caller)) return documents.staffTicketDocument(state, id, limitsOf(shop));
            const isOwn = state.tickets.get(id)?.customerId === caller?.userId;
            return isOwn ? documents.ticketDocument(state, id, limitsOf(shop)) : undefined;
          },
        ),
      ),
  },
  ListTicketReplies: {
    behaviour: 'replies',
    weight: 5,
    reading: (shop, about) =>
      ownerReads(shop, shop.tickets, about, (id, by) =>
        repliesPage(shop, id, by, shop.world.between(1, limitsOf(shop).repliesInTicket)),
      ),
  },
  ListTicketNotes: {
    behaviour: 'lists',
    weight: 5,
    reading: (shop, about) =>
      ownerReads(shop, shop.tickets, about, (id, by) =>
        notesPage(id, by, shop.world.between(1, limitsOf(shop).notesInTicket)),
      ),
  },
  ListTickets: {
    behaviour: 'lists',
    weight: 5,
    reading(shop) {
      const by = shop.holderOf(...all);
      if (!by) return undefined;
      const status = maybe(shop, shop.world.pick(['open', 'triaged', 'closed'] as const));
      const hasNote = shop.world.chance(0.3) ? shop.world.chance(0.5) : undefined;
      // The API refuses the two filters together.
      const customer = hasNote === undefined && shop.world.chance(0.3) ? shop.someOf(shop.tickets)?.ownerId : undefined;
      const isUnfiltered = hasNote === undefined && customer === undefined;
      const someone = shop.world.pick(['me', 'none', shop.anyone()?.id ?? 'none']);
      const assignee = isUnfiltered && shop.does('assignees', 0.4) ? someone : undefined;
      const assigneeId = assignee === 'me' ? by.caller.userId : assignee === 'none' ? null : assignee;
      const sort: Sort = customer === undefined && shop.world.chance(0.5) ? 'updated' : 'created';
      const isForStaff = isStaff(by.caller);
      const filter = `status: ${status ?? '*'}, with note: ${hasNote ?? '*'}, assignee: ${assignee ?? '*'}`;
      return page({
        what: `tickets of ${customer ?? '*'}, ${filter}`,
        sort,
        by,
        limit: limitOf(shop),
        ...someOrder(shop),
        ...((!isUnfiltered || assignee !== undefined) && { allowed: staff }),
        run: (queries, request) => queries.ListTickets({ ...request, status, hasNote, customer, assignee }),
        rows: ({ tickets }) =>
          [...tickets.values()]
            .filter((ticket) => isForStaff || ticket.customerId === by.caller.userId)
            .filter((ticket) => customer === undefined || ticket.customerId === customer)
            .filter((ticket) => assigneeId === undefined || ticket.assigneeId === assigneeId)
            .filter((ticket) => status === undefined || ticket.status === status)
            .filter((ticket) => hasNote === undefined || ticket.notes.length > 0 === hasNote)
            .map(isForStaff ? documents.staffTicketRow : documents.ticketRow),
      });
    },
  },
  GetTicketDashboard: {
    behaviour: 'lists',
    weight: 3,
    reading(shop) {
      const by = shop.holderOf(...staff);
      if (!by) return undefined;
      return {
        what: 'the dashboard',
        by,
        async run(queries) {
          const { dashboard, ...freshness } = await queries.GetTicketDashboard();
          const { counts, days, oldestOpenAt, medianTriageSeconds } = dashboard;
          const busy = days.filter(({ opened, reopened, closed }) => opened + reopened + closed > 0);
          const content = {
            days: Object.fromEntries(busy.map(({ date, ...figures }) => [date, figures])),
            ...{ counts, oldestOpenAt, medianTriageSeconds },
          };
          return { content, freshness };
        },
        expect: ({ state }) =>
          isStaff(by.caller) ? documents.dashboardDocument(state) : refusedWith('auth.insufficient-role'),
      };
    },
  },
  GetSalesDashboard: {
    behaviour: 'lists',
    weight: 3,
    reading(shop) {
      const by = shop.holderOf(...staff);
      if (!by) return undefined;
      return {
        what: 'the sales dashboard',
        by,
        async run(queries) {
          const { dashboard, ...freshness } = await queries.GetSalesDashboard();
          const days = dashboard.days.flatMap(({ date, sales }) => sales.map((one) => ({ date, ...one })));
          return { content: { ...dashboard, days }, freshness };
        },
        expect({ state }, content) {
          if (!isStaff(by.caller)) return refusedWith('auth.insufficient-role');
          return shop.platform.hadBrokenOrder ? content : salesDocument(state, shop.platform.releases[0].limits);
        },
      };
    },
  },
  GetReadiness: {
    behaviour: 'operator-reads',
    weight: 1,
    reading: () => ({
      what: 'the readiness',
      isPublic: true,
      async run(queries) {
        const { status, issues } = await queries.GetReadiness();
        return { content: { isReady: status === 'ready', hasIssues: issues.length > 0 } };
      },
      // Which issues there are depends on the world.
      expect: (_, content) => ({
        isReady: (content as { isReady: boolean }).isReady,
        hasIssues: !(content as { isReady: boolean }).isReady,
      }),
    }),
  },
  GetEventCatalogue: {
    behaviour: 'operator-reads',
    weight: 1,
    reading: () => ({
      what: 'the catalogue of events',
      isPublic: true,
      run: async (queries) => ({ content: (await queries.GetEventCatalogue()).data.map(({ type }) => type) }),
      expect: ({ events }, content) => {
        const known = content as string[];
        const unknown = events.map(({ type }) => `frontdesk.${type}`).filter((type) => !known.includes(type));
        return [...known, ...unknown];
      },
    }),
  },
  GetEventSchema: {
    behaviour: 'operator-reads',
    weight: 1,
    reading: () => ({
      what: 'the schema of an event',
      isPublic: true,
      run: async (queries) => ({
        content: Object.keys(
          (await queries.GetEventSchema({ type: 'frontdesk.TicketOpened', version: 1 })).properties ?? {},
        ),
      }),
      expect: () => ['customerId', 'orderId'],
    }),
  },
  GetMetrics: {
    behaviour: 'operator-reads',
    weight: 1,
    reading: (shop) =>
      byAdmin(
        shop,
        'the metrics',
        (queries) => queries.GetMetrics(),
        ({ figures }) => ({ events: figures?.events }),
        // Without D1 the figures of the system are missing.
        ({ events }, found) => ({
          events: (found as { events?: number }).events === undefined ? undefined : events.length,
        }),
      ),
  },
  ListProjections: {
    behaviour: 'operator-reads',
    weight: 1,
    reading: (shop) =>
      byAdmin(
        shop,
        'the projections',
        (queries) => queries.ListProjections(),
        ({ position, data }) => ({ position, isBehindLog: data.every((view) => view.position <= position) }),
        ({ events }) => ({ position: events.length, isBehindLog: true }),
      ),
  },
  ListSessions: {
    behaviour: 'signing-in',
    weight: 1,
    reading(shop) {
      const userId = shop.anyone()?.id;
      const by = userId === undefined ? undefined : shop.ownerOr(userId, 'admin');
      if (userId === undefined || !by) return undefined;
      const limit = limitOf(shop);
      return {
        what: `the sessions of ${userId}`,
        by,
        run: async (queries) => ({
          content: (await queries.ListSessions({ userId, limit })).data.map(({ id }) => id),
        }),
        expect: ({ state }) =>
          by.caller.userId !== userId && by.caller.role !== 'admin'
            ? refusedWith('auth.insufficient-role')
            : [...state.sessions]
                .filter(([, session]) => session.userId === userId && !session.isRevoked)
                .map(([id]) => id)
                .sort()
                .reverse()
                .slice(0, limit),
      };
    },
  },
  GetProjectedKey: {
    behaviour: 'operator-reads',
    weight: 1,
    reading(shop) {
      const key = shop.anyone()?.id;
      if (key === undefined) return undefined;
      return byAdmin(
        shop,
        `the document of account ${key}`,
        (queries) => queries.GetProjectedKey({ view: 'user', key }),
        // What it says must fit what it shows, whatever the world does.
        ({ verdict, isSame, kv }) => verdict.code !== 'up-to-date' || (isSame && kv.state === 'present'),
        () => true,
      );
    },
  },
  ListRebuilds: {
    behaviour: 'operator-reads',
    weight: 1,
    reading: (shop) =>
      byAdmin(
        shop,
        'the rebuilds',
        (queries) => queries.ListRebuilds(),
        ({ data }) => data.map(({ id, view }) => ({ id, view })),
        ({ state }) =>
          [...state.rebuilds]
            .map(([id, { view }]) => ({ id, view }))
            .sort((a, b) => (a.id < b.id ? 1 : -1))
            .slice(0, 20),
      ),
  },
  ListErasures: {
    behaviour: 'operator-reads',
    weight: 1,
    reading: (shop) =>
      byAdmin(
        shop,
        'the erasures',
        (queries) => queries.ListErasures(),
        // When the last step has found nothing left depends on the world.
        ({ data }) => data.every(({ steps }) => steps > 0),
        () => true,
      ),
  },
  GetRebuild: {
    behaviour: 'operator-reads',
    weight: 1,
    reading(shop) {
      const rebuildId = shop.does('strangers', 0.1) ? nextId() : shop.world.pick(shop.rebuilds);
      if (rebuildId === undefined) return undefined;
      return byAdmin(
        shop,
        `rebuild ${rebuildId}`,
        (queries) => queries.GetRebuild({ id: rebuildId }),
        ({ id, view }) => ({ id, view }),
        ({ state }) => {
          const found = state.rebuilds.get(rebuildId);
          return found ? { id: rebuildId, view: found.view } : refusedWith('rebuilds.not-found');
        },
      );
    },
  },
  ListDeadLetters: {
    behaviour: 'operator-reads',
    weight: 1,
    reading: (shop) => readingOfDeliveries(shop, 'the dead letters', (queries, page) => queries.ListDeadLetters(page)),
  },
  GetEvent: {
    behaviour: 'operator-reads',
    weight: 1,
    reading(shop) {
      const position = 1 + Math.floor(shop.world.random() * 40);
      return byAdmin(
        shop,
        `the event ${position}`,
        (queries) => queries.GetEvent({ position }),
        ({ event }) => ({ position: event.position, type: event.type, streamId: event.streamId }),
        ({ events }) => {
          const found = events[position - 1];
          if (!found) return refusedWith('events.not-found');
          return { position, type: found.recordedType, streamId: found.streamId };
        },
      );
    },
  },
  GetSchedule: {
    behaviour: 'operator-reads',
    weight: 1,
    reading: (shop) =>
      byAdmin(
        shop,
        'the schedule',
        (queries) => queries.GetSchedule(),
        ({ data }) => data.every(({ outcome, error }) => (outcome === 'failed') === (error !== null)),
        () => true,
      ),
  },
  ListQueues: {
    behaviour: 'operator-reads',
    weight: 1,
    reading: (shop) =>
      byAdmin(
        shop,
        'the queues',
        (queries) => queries.ListQueues(),
        ({ data }) => data.filter(({ deliveries }) => deliveries !== null).length >= 2,
        () => true,
      ),
  },
  ListDeadLetterGroups: {
    behaviour: 'operator-reads',
    weight: 1,
    reading: (shop) =>
      byAdmin(
        shop,
        'the groups of dead letters',
        (queries) => queries.ListDeadLetterGroups(),
        // Which deliveries are dead depends on the world.
        ({ data }) => data.every(({ count, newest, subscription }) => count > 0 && newest.endsWith(subscription)),
        () => true,
      ),
  },
  GetDeadLetter: {
    behaviour: 'operator-reads',
    weight: 1,
    reading: (shop) =>
      byAdmin(
        shop,
        'a dead letter that there never was',
        (queries) => queries.GetDeadLetter({ position: 1e9, subscription: 'emails' }),
        ({ id }) => id,
        () => refusedWith('dead-letters.not-found'),
      ),
  },
  GetDeadLetterDecision: {
    behaviour: 'operator-reads',
    weight: 1,
    reading(shop) {
      const decision = shop.world.between(1, 4);
      return byAdmin(
        shop,
        `the decision ${decision} about dead letters`,
        (queries) => queries.GetDeadLetterDecision({ decision }),
        // What became of the letters depends on the world.
        ({ action, counts, data, event }) => {
          const isCounted = Object.values(counts).reduce((sum, count) => sum + count, 0) === data.length;
          return { action, position: event.position, isCounted };
        },
        ({ events }) => {
          const found = events.filter(({ type }) => /^DeadLetters(?:Replayed|Discarded)$/.test(type))[decision - 1];
          if (!found) return refusedWith('dead-letters.decision-not-found');
          const action = found.type === 'DeadLettersReplayed' ? 'replayed' : 'discarded';
          return { action, position: found.position, isCounted: true };
        },
      );
    },
  },
  ListWaitingDeliveries: {
    behaviour: 'operator-reads',
    weight: 1,
    reading: (shop) =>
      readingOfDeliveries(shop, 'the waiting deliveries', (queries, page) => queries.ListWaitingDeliveries(page)),
  },
  ListRechecks: {
    behaviour: 'operator-reads',
    weight: 1,
    reading(shop) {
      const view = shop.world.chance(0.5) ? 'user' : undefined;
      const limit = limitOf(shop);
      return byAdmin(
        shop,
        `the documents of ${view ?? 'all read models'} that are projected once more`,
        (queries) => queries.ListRechecks({ view, limit }),
        // Which documents are marked depends on the world.
        ({ data }) => data.length <= limit && data.every((row) => view === undefined || row.view === view),
        () => true,
      );
    },
  },
  ListEvents: {
    behaviour: 'operator-reads',
    weight: 2,
    reading(shop) {
      const limit = limitOf(shop);
      const actor = maybe(shop, shop.anyone()?.id);
      return byAdmin(
        shop,
        `the events of ${actor ?? 'everybody'}`,
        (queries) => queries.ListEvents({ limit, actor }),
        ({ data }) => data.map(({ position, type, streamId }) => ({ position, type, streamId })),
        ({ events }) =>
          events
            .filter((event) => actor === undefined || event.actorId === actor)
            .slice(-limit)
            .reverse()
            .map(({ position, recordedType, streamId }) => ({ position, type: recordedType, streamId })),
      );
    },
  },
  ReadEvents: {
    behaviour: 'feed',
    weight: 6,
    reading(shop) {
      const { feed, world } = shop;
      const by = shop.holderOf('admin');
      if (!by) return undefined;
      const wait = world.chance(0.1) ? 3 : 0;
      if (world.chance(0.7)) {
        return readingOfFeed(by, { checkpoint: feed.checkpoint, limit: world.between(1, 20), wait }, feed);
      }
      // Somebody else looks anywhere, now and then behind the end, and at some types only.
      const after = world.between(0, (shop.newestToken?.position ?? 0) + 1);
      const types = world.chance(0.5) ? ['OrderPlaced', 'TicketOpened'] : undefined;
      return readingOfFeed(by, { checkpoint: { after, epoch: undefined }, types, limit: world.between(1, 5), wait });
    },
  },
  ExportOrders: report('ExportOrders'),
  ExportTickets: report('ExportTickets'),
  ExportEvents: report('ExportEvents'),
  ExportAccount: {
    behaviour: 'exports',
    weight: 1,
    reading(shop, about) {
      const id = shop.does('strangers', 0.05) ? nextId() : (about ?? shop.anyone()?.id);
      const by = id === undefined ? undefined : shop.ownerOr(id, 'admin');
      return id === undefined || !by ? undefined : readingOfAccount(id, by);
    },
  },
};

export const queryNames = Object.keys(readers) as (keyof Queries)[];
