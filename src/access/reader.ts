import type { ConsistencyToken } from '../cqrs/log/consistency-token';
import { type FirstRows, type LaterPages, type Page, type PageRequest, readPage } from '../cqrs/reading/pages';
import type { Freshness, ReadModels, ReadResult } from '../cqrs/reading/read-models';
import type { View } from '../cqrs/reading/view';
import { type Database, openSession, type Statement } from '../platform/d1';
import { type AccountStatus, asChecked, type Caller, type CheckedActor, isTokenValid } from './caller';
import { accessErrors } from './errors';

/**
 * A list that has a read model: the first page is a document, and `rowsAfter` reads the pages after it from D1. It is the
 * query that also makes the document, so the view turns its rows into the list's rows.
 */
export interface ListRequest<Row> {
  view: View<Row[]>;
  key: string;
  page: PageRequest;
  rowsAfter(db: Database, limit: number, after: string): Statement;
  /** Checks the role of the caller, before a deeper page is read. */
  authorize?(actor: CheckedActor): void;
}

/** A list whose first rows are a part of a document, for example the notes of a ticket. */
export interface PartRequest<Data, Row> extends LaterPages<Row> {
  view: View<Data>;
  key: string;
  page: PageRequest;
  /** Checks that the document exists and that the caller may read it, and returns its rows. */
  firstRows(actor: CheckedActor, result: ReadResult<Data>): FirstRows<Row>;
}

/**
 * The reads of a request's queries. All functions but `public…` check the caller in the same KV operation, so that no
 * query can forget the check.
 */
export interface Reader {
  /**
   * The caller as the token states it, to choose a document. Decide access by the actor that a read returns.
   * @throws DomainError `auth.required` for a request without a token
   */
  caller(): Caller;
  /** Whether the request comes from a program that may read the metrics, and nothing else. */
  isMonitor(): boolean;
  read<Data>(view: View<Data>, key: string): Promise<{ actor: CheckedActor; result: ReadResult<Data> }>;
  readList<Row extends { id: string }>(list: ListRequest<Row>): Promise<{ actor: CheckedActor; page: Page<Row> }>;
  readPart<Data, Row extends { id: string }>(part: PartRequest<Data, Row>): Promise<Page<Row>>;
  /** Reads rows that no document has, from D1. The query decides which rows the caller may see. */
  readRows(query: (db: Database) => Statement): Promise<{ actor: CheckedActor; rows: unknown; freshness: Freshness }>;
  /** Opens D1's primary for operators, who need correct data also when KV is wrong. */
  openPrimary(): Promise<{ actor: CheckedActor; db: Database }>;
  /** Reads a document that is public. */
  publicRead<Data>(view: View<Data>, key: string): Promise<ReadResult<Data>>;
  /** Reads a list that is public. */
  publicList<Row extends { id: string }>(list: ListRequest<Row>): Promise<Page<Row>>;
}

export interface ReaderOptions {
  readModels: ReadModels;
  database: D1Database;
  accessView: View<AccountStatus>;
}

/** The caller and the token of a request, evaluated only when a query runs, because a wrong header makes them throw. */
export interface ReadRequest {
  caller(): Caller | undefined;
  token(): ConsistencyToken | undefined;
  /** Missing for requests that no monitor can send. */
  isMonitor?(): boolean;
}

/** The view of a list makes the rows of the first page and of the later ones. */
function laterPages<Row>({ view, key, rowsAfter }: ListRequest<Row>): LaterPages<Row> {
  return { rowsAfter, toRows: (rows) => view.toDocument(rows, key)?.data ?? [] };
}

export function createReader({ readModels, database, accessView }: ReaderOptions, request: ReadRequest): Reader {
  function caller(): Caller {
    const sender = request.caller();
    if (!sender) throw accessErrors.required({});
    return sender;
  }

  function accessOf({ userId }: Caller) {
    // The access document may be older than the consistency token: for about a minute KV may hide that it was replaced.
    return { view: accessView, key: userId, ignoreToken: true };
  }

  /** Before a refusal the primary is read, because the document of an account that was just reactivated may be old. */
  async function check(sender: Caller, cached: ReadResult<AccountStatus>): Promise<CheckedActor> {
    // A document that KV lacks, or that missed an event, was read from a replica, whose age has no limit.
    if (cached.source === 'kv' && isTokenValid(cached.document?.data, sender)) return asChecked(sender);
    const fresh = await readModels.readFresh(accessOf(sender));
    if (!isTokenValid(fresh?.data, sender)) throw accessErrors.invalidToken({ reason: 'revoked' });
    return asChecked(sender);
  }

  async function read<Data>(view: View<Data>, key: string) {
    const sender = caller();
    const [access, result] = await readModels.read(request.token(), accessOf(sender), { view, key });
    return { actor: await check(sender, access), result };
  }

  async function publicRead<Data>(view: View<Data>, key: string): Promise<ReadResult<Data>> {
    const [result] = await readModels.read(request.token(), { view, key });
    return result;
  }

  return {
    caller,
    isMonitor: () => request.isMonitor?.() === true,
    read,
    publicRead,
    async readList(list) {
      const { view, key, page, authorize } = list;
      const { actor, result } = await read(view, key);
      authorize?.(actor);
      return { actor, page: await readPage(readModels, request.token(), result, page, laterPages(list)) };
    },
    async readPart({ view, key, page, firstRows, ...later }) {
      const { actor, result } = await read(view, key);
      return readPage(readModels, request.token(), firstRows(actor, result), page, later);
    },
    async publicList(list) {
      const first = await publicRead(list.view, list.key);
      return readPage(readModels, request.token(), first, list.page, laterPages(list));
    },
    async readRows(query) {
      const sender = caller();
      const [access] = await readModels.read(undefined, accessOf(sender));
      const actor = await check(sender, access);
      return { actor, ...(await readModels.readPast(request.token(), query)) };
    },
    async openPrimary() {
      const sender = caller();
      const [access] = await readModels.read(undefined, accessOf(sender));
      return { actor: await check(sender, access), db: openSession(database, 'first-primary').db };
    },
  };
}
