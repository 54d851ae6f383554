import { requireAdmin } from '../access/caller';
import type { Reader } from '../access/reader';
import type { Origin } from '../cqrs/log/envelope';
import type { EventCatalogue } from '../cqrs/log/event';
import type { Freshness } from '../cqrs/reading/read-models';
import { type Clock, isoTime, type Wait } from '../platform/clock';
import { findDatabaseFailure } from '../platform/d1';
import { limits } from '../platform/limits';
import { retry } from '../platform/retry';
import { requireOwnDataOrAdmin } from './access';
import { accountParts, accountQuery } from './account';
import { exportErrors } from './errors';
import { divideByRow, type PartsOfRows } from './parts-of-rows';
import { eventsOf, ordersOf, type ReplyOfTicket, type ReportRequest, repliesOf, ticketsOf } from './reports';
import type { Source } from './source';

export interface ExportServices {
  clock: Clock;
  wait: Wait;
  eventCatalogue: EventCatalogue;
  origin: Origin;
}

/** Rows, of which the first page is loaded already; the others are loaded when they are asked for. */
export interface Export<Row> {
  freshness: Freshness;
  pages: AsyncIterable<readonly Row[]>;
  /** What belongs to the rows, and is loaded while they are sent. */
  parts?: PartsOfRows;
}

/** All that is stored about an account: its own row, and its parts in pages. */
export interface AccountExport {
  freshness: Freshness;
  head: Readonly<Record<string, unknown>>;
  parts: readonly { name: string; pages: AsyncIterable<readonly object[]> }[];
}

const retries = { tries: 4, pauses: { firstMs: 200, longestMs: 2_000 } };

/** The queries of exports. Their pages come from one replica, each later than the one before, and never from KV. */
export function createExportQueries(reader: Reader, { clock, wait, eventCatalogue, origin }: ExportServices) {
  type Read = ReturnType<Reader['openRows']>;

  /** Counts the pages of a request. @throws Error beyond the last one, so that the export is cut off and not silently short */
  function createBudget() {
    let pages = 0;
    return () => {
      if (++pages <= limits.pagesPerExport) return;
      throw new Error('The export has more rows than one request can read. Ask for shorter spans of time.');
    };
  }

  /** Makes the function that loads a page. Only a later page is tried again: nothing was answered before the first one. */
  function createLoad<Row extends object>(read: Read, source: Source<Row>, spend: () => void) {
    return async (after: string | undefined, limit: number) => {
      spend();
      const load = () => read((db) => source.query(db, after, limit));
      const mayPass = (error: unknown) => findDatabaseFailure(error) !== undefined;
      const { rows, freshness } = await (after === undefined ? load() : retry(load, { ...retries, wait, mayPass }));
      // The source makes the statement, and knows its rows.
      return { raw: rows as never[], freshness };
    };
  }

  async function* pagesFrom<Row extends object>(
    source: Source<Row>,
    load: ReturnType<typeof createLoad<Row>>,
    limit: number,
    first: readonly never[],
  ): AsyncGenerator<readonly Row[]> {
    let raw = first;
    for (;;) {
      yield raw.map(source.toRow);
      const last = raw.at(-1);
      if (last === undefined || raw.length < limit) return;
      ({ raw } = await load(source.keyOf(last), limit));
    }
  }

  async function openReport<Row extends object>(
    source: Source<Row>,
    partsOf?: (read: Read, spend: () => void) => PartsOfRows,
  ): Promise<Export<Row>> {
    const read = reader.openRows({ authorize: requireAdmin });
    const spend = createBudget();
    const load = createLoad(read, source, spend);
    const limit = limits.rowsPerExportPage;
    const { raw, freshness } = await load(undefined, limit);
    // A row of the first page that cannot be read is refused before anything is sent.
    raw.forEach(source.toRow);
    const pages = pagesFrom(source, load, limit, raw);
    return { freshness, pages, ...(partsOf && { parts: partsOf(read, spend) }) };
  }

  async function* allPages<Row extends object>(source: Source<Row>, read: Read, spend: () => void) {
    const load = createLoad(read, source, spend);
    const limit = limits.rowsPerExportPage;
    yield* pagesFrom(source, load, limit, (await load(undefined, limit)).raw);
  }

  return {
    /** Exports the orders of a span of time, for admins. */
    ExportOrders: (request: ReportRequest) => openReport(ordersOf(request)),

    /** Exports the tickets of a span of time with their replies, for admins. */
    ExportTickets: (request: ReportRequest) =>
      openReport(ticketsOf(request), (read, spend) => {
        const replies = allPages(repliesOf(request), read, spend);
        const ownerOf = ({ ticketId }: ReplyOfTicket) => ticketId;
        return divideByRow(replies, 'replies', ownerOf, ({ ticketId: _, ...reply }) => reply);
      }),

    /** Exports the events of a span of time as CloudEvents, for admins. */
    ExportEvents: (request: ReportRequest) => openReport(eventsOf(request, eventCatalogue, origin)),

    /**
     * Exports all that is stored about an account, for the account itself and for admins.
     * @throws DomainError `exports.not-yours`, `exports.account-not-found`
     */
    async ExportAccount({ id }: { id: string }): Promise<AccountExport> {
      const read = reader.openRows({ authorize: (actor) => requireOwnDataOrAdmin(actor, id) });
      const { rows, freshness } = await read((db) => accountQuery(db, id));
      const [found] = rows as Record<'account' | 'settings', unknown>[];
      if (!found) throw exportErrors.accountNotFound({ userId: id });
      const spend = createBudget();
      const parts = Object.entries(accountParts).map(([name, sourceOf]) => ({
        name,
        pages: allPages(sourceOf(id), read, spend),
      }));
      return { freshness, head: { exportedAt: isoTime(clock.now()), ...found }, parts };
    },
  };
}

export type ExportQueries = ReturnType<typeof createExportQueries>;
