import type { ConsistencyToken } from '../cqrs/log/consistency-token';
import { type Page, type PageRequest, readPage } from '../cqrs/reading/pages';
import type { ReadModels, ReadResult } from '../cqrs/reading/read-models';
import type { View } from '../cqrs/reading/view';
import { type Database, openSession } from '../platform/d1';
import { type AccountStatus, asChecked, type Caller, type CheckedActor, isTokenValid } from './caller';
import { accessErrors } from './errors';

/** A list that has a read model: the first page is a document, and `rowsAfter` reads the pages after it from D1. */
export interface ListRequest<Row> {
  view: View<Row[]>;
  key: string;
  page: PageRequest;
  rowsAfter(db: Database, limit: number, after: string): PromiseLike<Row[]>;
}

/**
 * What the queries of a request read with. Everything but `public…` checks the caller first, in the same KV operation:
 * there is no way to a document or to D1 past the check.
 */
export interface Reader {
  /**
   * The caller as the token states it, to choose what to read. Decide by the actor that a read returns.
   * @throws DomainError `auth.required` for a request without a token
   */
  caller(): Caller;
  read<Data>(view: View<Data>, key: string): Promise<{ actor: CheckedActor; result: ReadResult<Data> }>;
  readList<Row extends { id: string }>(list: ListRequest<Row>): Promise<{ actor: CheckedActor; page: Page<Row> }>;
  /** D1's primary, for operators: what they look at must be right when KV is not. */
  openPrimary(): Promise<{ actor: CheckedActor; db: Database }>;
  /** A document that everybody may read. */
  publicRead<Data>(view: View<Data>, key: string): Promise<ReadResult<Data>>;
  /** A list that everybody may read. */
  publicList<Row extends { id: string }>(list: ListRequest<Row>): Promise<Page<Row>>;
}

export interface ReaderOptions {
  readModels: ReadModels;
  database: D1Database;
  accessView: View<AccountStatus>;
}

/** What a request says about its reads; evaluated when a query runs, because a header may be refused. */
export interface ReadRequest {
  caller(): Caller | undefined;
  token(): ConsistencyToken | undefined;
}

export function createReader({ readModels, database, accessView }: ReaderOptions, request: ReadRequest): Reader {
  function caller(): Caller {
    const known = request.caller();
    if (!known) throw accessErrors.required({});
    return known;
  }

  function accessOf({ userId }: Caller) {
    // A token that is newer than the document says nothing about access, which has a time limit of its own.
    return { view: accessView, key: userId, ignoreToken: true };
  }

  /** A refusal must be right: an account that was reactivated just now is not refused because of an old document. */
  async function check(known: Caller, cached: AccountStatus | undefined): Promise<CheckedActor> {
    if (isTokenValid(cached, known)) return asChecked(known);
    const fresh = await readModels.readFresh(accessOf(known));
    if (!isTokenValid(fresh?.data, known)) throw accessErrors.invalidToken({ reason: 'revoked' });
    return asChecked(known);
  }

  async function read<Data>(view: View<Data>, key: string) {
    const known = caller();
    const [access, result] = await readModels.read(request.token(), accessOf(known), { view, key });
    return { actor: await check(known, access.document?.data), result };
  }

  async function publicRead<Data>(view: View<Data>, key: string): Promise<ReadResult<Data>> {
    const [result] = await readModels.read(request.token(), { view, key });
    return result;
  }

  return {
    caller,
    read,
    publicRead,
    async readList({ view, key, page, rowsAfter }) {
      const { actor, result } = await read(view, key);
      return { actor, page: await readPage(readModels, request.token(), result, page, rowsAfter) };
    },
    async publicList({ view, key, page, rowsAfter }) {
      return readPage(readModels, request.token(), await publicRead(view, key), page, rowsAfter);
    },
    async openPrimary() {
      const known = caller();
      const [access] = await readModels.read(undefined, accessOf(known));
      return { actor: await check(known, access.document?.data), db: openSession(database, 'first-primary').db };
    },
  };
}
