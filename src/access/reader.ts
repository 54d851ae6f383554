import type { ConsistencyToken } from '../cqrs/log/consistency-token';
import type { FirstPages, ListView } from '../cqrs/reading/list-view';
import {
  isFirstPage,
  isInDocument,
  type ListRequest,
  type PageRequest,
  type SortedRow,
} from '../cqrs/reading/page-request';
import {
  type FirstRows,
  type Page,
  pickCells,
  readStoredPage,
  type Slice,
  type StoredPages,
  toFirstPage,
  toListRows,
} from '../cqrs/reading/pages';
import type { ReadModels, ReadResult } from '../cqrs/reading/read-models';
import type { View } from '../cqrs/reading/view';
import { type Database, openSession, type Statement } from '../platform/d1';
import { type AccountStatus, asChecked, type Caller, type CheckedActor, isTokenValid } from './caller';
import { accessErrors } from './errors';

/** A list that has a read model: a document has the first page of the usual size, and `query` reads all other pages from D1. */
export interface ReadableList<Row> {
  view: ListView<Row>;
  /** The key of the document with the first page; undefined for a list whose pages are all read from D1. */
  key: string | undefined;
  /** The cells whose rows the list shows; without them, it shows all rows of the document. */
  cells?: readonly string[] | undefined;
  page: ListRequest;
  query(db: Database, slice: Slice): Statement;
  /** Checks the role of the caller, before a page is read from D1. */
  authorize?(actor: CheckedActor): void;
}

/** A list whose first rows are a part of a document, for example the notes of a ticket. */
export interface PartRequest<Data, Row> extends StoredPages<Row> {
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
  readList<Row extends SortedRow>(list: ReadableList<Row>): Promise<{ actor: CheckedActor; page: Page<Row> }>;
  readPart<Data, Row extends SortedRow>(part: PartRequest<Data, Row>): Promise<Page<Row>>;
  /** Opens D1's primary for operators, who need correct data also when KV is wrong. */
  openPrimary(): Promise<{ actor: CheckedActor; db: Database }>;
  /** Reads a document that is public. */
  publicRead<Data>(view: View<Data>, key: string): Promise<ReadResult<Data>>;
  /** Reads a list that is public. */
  publicList<Row extends SortedRow>(list: ReadableList<Row>): Promise<Page<Row>>;
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

/** The key of the document that has the page of this request; undefined if D1 has to be read. */
function keyOfPage<Row>({ key, page }: ReadableList<Row>): string | undefined {
  return isInDocument(page) ? key : undefined;
}

/** The view of a list makes the rows of its document, and of all other pages. */
function storedPages<Row>({ view, query }: ReadableList<Row>): StoredPages<Row> {
  return { query, toList: (result) => toListRows(result, view) };
}

/** The first rows of a list, from the document. */
function firstRows<Row extends SortedRow>(
  list: ReadableList<Row>,
  result: ReadResult<FirstPages<Row>>,
): FirstRows<Row> {
  const { document, ...freshness } = result;
  return { ...pickCells(document?.data ?? { rows: [], counts: {} }, list.view, list.cells, list.page.sort), freshness };
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

  /** Checks the caller where no other document is read. */
  async function checkCaller(token?: ConsistencyToken): Promise<CheckedActor> {
    const sender = caller();
    const [access] = await readModels.read(token, accessOf(sender));
    return check(sender, access);
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
      const { authorize, page, view } = list;
      const key = keyOfPage(list);
      if (key === undefined) {
        const actor = await checkCaller(request.token());
        authorize?.(actor);
        return { actor, page: await readStoredPage(readModels, request.token(), page, storedPages(list)) };
      }
      const { actor, result } = await read(view, key);
      authorize?.(actor);
      return { actor, page: toFirstPage(firstRows(list, result), page) };
    },
    async readPart({ view, key, page, firstRows, ...stored }) {
      const { actor, result } = await read(view, key);
      const first = firstRows(actor, result);
      if (isFirstPage(page)) return toFirstPage(first, page);
      return readStoredPage(readModels, request.token(), page, stored);
    },
    async publicList(list) {
      const key = keyOfPage(list);
      if (key === undefined) return readStoredPage(readModels, request.token(), list.page, storedPages(list));
      return toFirstPage(firstRows(list, await publicRead(list.view, key)), list.page);
    },
    openPrimary: async () => ({ actor: await checkCaller(), db: openSession(database, 'first-primary').db }),
  };
}
