import type { Clock, Wait } from '../../platform/clock';
import { type Database, openSession, runBatch, type Statement } from '../../platform/d1';
import { withDeadline } from '../../platform/deadline';
import { deadlines } from '../../platform/limits';
import type { ConsistencyToken } from '../log/consistency-token';
import type { JudgedDocuments, WatermarkStore } from './document-store';
import { asRowsOf } from './keyed-query';
import type { Document, Loaded, View } from './view';
import { judge, type Verdict } from './watermark';
import { newestMark } from './watermark-publisher';

/**
 * The guarantee of a read. `strong`: the data is at least as new as the request's token. `eventual`: the request had no
 * token.
 */
export type Consistency = 'strong' | 'eventual';

/** The source and the age of the data of a read. */
export interface Freshness {
  consistency: Consistency;
  /**
   * The seconds that have passed at most since the data was true: since the document was projected, or, for a replica of
   * D1, since the newest mark that the replica has. 0 for D1's primary; undefined for a replica without any mark.
   */
  ageSeconds: number | undefined;
  source: 'kv' | 'd1';
  /** Why D1 was read: KV had no document, or one that is too old. */
  forwarded?: 'miss' | 'stale';
}

/** The freshness of what a command has read on D1's primary. */
export const fromPrimary: Freshness = { consistency: 'strong', ageSeconds: 0, source: 'd1', forwarded: 'miss' };

export interface ReadResult<Data> extends Freshness {
  document: Loaded<Data> | undefined;
}

/** A document that a read asks for. */
export interface WantedDocument<Data> {
  view: View<Data>;
  key: string;
  /** Set when the document may be older than the token. For access the limit is how long KV may hide a change. */
  ignoreToken?: boolean;
}

type Results<Data extends readonly unknown[]> = { [Index in keyof Data]: ReadResult<Data[Index]> };
type AllWantedDocuments<Data extends readonly unknown[]> = { [Index in keyof Data]: WantedDocument<Data[Index]> };

export interface ReadModels {
  /** Reads documents with one KV operation, and missing or too old ones with one round trip to D1. */
  read<Data extends readonly unknown[]>(
    token: ConsistencyToken | undefined,
    ...wanted: AllWantedDocuments<Data>
  ): Promise<Results<Data>>;
  /** Reads documents with one KV operation and nothing of D1; undefined for one that KV does not have or that may not be served. */
  readStored<Data extends readonly unknown[]>(
    ...wanted: AllWantedDocuments<Data>
  ): Promise<{ [Index in keyof Data]: Loaded<Data[Index]> | undefined }>;
  /** Reads one document from D1's primary, because KV may be older. */
  readFresh<Data>(wanted: WantedDocument<Data>): Promise<Loaded<Data> | undefined>;
  /** Reads rows from D1 that no document has, for the pages after the first one of a list. */
  readPast(token: ConsistencyToken | undefined, query: (db: Database) => Statement): Promise<ReadRows>;
  /**
   * Opens several such reads, each of which is at least as new as the one before.
   * @param isFresh whether the first of them reads D1's primary
   */
  openPast(
    token: ConsistencyToken | undefined,
    isFresh?: boolean,
  ): (query: (db: Database) => Statement) => Promise<ReadRows>;
}

/** Rows of D1, with the freshness of the state that they are of. */
export interface ReadRows {
  rows: unknown;
  freshness: Freshness;
}

const nothingInKv: JudgedDocuments = { documents: new Map(), watermark: undefined };

/** A wanted document with what KV has of it. */
type Found = { item: WantedDocument<unknown> } & (
  | { verdict: 'missing'; document?: undefined }
  | { verdict: Verdict; document: Document }
);

export function createReadModels(options: {
  documents: WatermarkStore;
  database: D1Database;
  epoch: string;
  clock: Clock;
  wait: Wait;
}): ReadModels {
  const { documents, database, epoch, clock, wait } = options;

  /** A token of another epoch has a position and a bookmark of another database, so the primary is read. */
  function sessionFrom(token: ConsistencyToken | undefined): string {
    if (!token) return 'first-unconstrained';
    return token.epoch === epoch ? (token.bookmark ?? 'first-primary') : 'first-primary';
  }

  function secondsSince(time: number): number {
    return Math.max(0, Math.floor((clock.now() - time) / 1000));
  }

  function fromKv(document: Document, consistency: Consistency): ReadResult<unknown> {
    const { version, revision, data, projectedAt } = document;
    return { document: { version, revision, data }, consistency, ageSeconds: secondsSince(projectedAt), source: 'kv' };
  }

  /** Runs queries on D1 in one batch, together with the newest mark, which dates the state of a replica. */
  function openD1(token: ConsistencyToken | undefined, from = sessionFrom(token)) {
    const { db } = openSession(database, from);
    let isPrimary = from === 'first-primary';
    return async (queriesOn: (db: Database) => Statement[]) => {
      const isSureOfPrimary = isPrimary;
      // Only the first read of a session goes there; a replica that is at least as new may answer the next one.
      isPrimary = false;
      const [marks, ...results] = await runBatch(db, [newestMark(db), ...queriesOn(db)]);
      const at = marks[0]?.at ?? undefined;
      const ageOfReplica = at === undefined ? undefined : secondsSince(at);
      const freshness: Freshness = {
        consistency: token ? 'strong' : 'eventual',
        ageSeconds: isSureOfPrimary ? 0 : ageOfReplica,
        source: 'd1',
        forwarded: 'miss',
      };
      return { results, freshness };
    };
  }

  const fromD1 = (token: ConsistencyToken | undefined, queriesOn: (db: Database) => Statement[]) =>
    openD1(token)(queriesOn);

  function openPast(token: ConsistencyToken | undefined, isFresh = false) {
    const read = openD1(token, isFresh ? 'first-primary' : undefined);
    return async (query: (db: Database) => Statement): Promise<ReadRows> => {
      const { results, freshness } = await read((db) => [query(db)]);
      return { rows: results[0], freshness };
    };
  }

  async function findInKv(wanted: readonly WantedDocument<unknown>[], token: ConsistencyToken | undefined) {
    const now = clock.now();
    const keys = wanted.map(({ view, key }) => view.kvKey(key));
    const late = () => new Error('KV did not answer in time.');
    const { documents: stored, watermark } = await withDeadline(
      deadlines.readFromKvMs,
      wait,
      () => documents.getWithWatermark(keys),
      late,
    ).catch(() => nothingInKv);
    return wanted.map((item): Found => {
      const document = stored.get(item.view.kvKey(item.key));
      if (!document) return { item, verdict: 'missing' };
      const circumstances = { watermark, token: item.ignoreToken ? undefined : token, epoch, now };
      return { item, document, verdict: judge(item.view.id, document, circumstances) };
    });
  }

  /**
   * Reads from D1 what KV cannot answer. Where D1 does not answer either, the read fails: a document that is behind the
   * token is not what the client asked for, and one that has missed an event must not be served at all.
   */
  async function replace(rest: readonly Found[], token: ConsistencyToken | undefined): Promise<ReadResult<unknown>[]> {
    const { results, freshness } = await fromD1(token, (db) =>
      rest.map(({ item: { view, key } }) => view.query(db, [key])),
    );
    return rest.map(({ item: { view, key }, verdict }, index) => ({
      ...freshness,
      document: view.toDocument(asRowsOf(results[index]), key),
      forwarded: verdict === 'missing' ? 'miss' : 'stale',
    }));
  }

  async function read(token: ConsistencyToken | undefined, ...wanted: WantedDocument<unknown>[]) {
    const found = await findInKv(wanted, token);
    const rest = found.filter(({ verdict }) => verdict !== 'current');
    const replaced = rest.length === 0 ? [] : await replace(rest, token);
    return found.map((one) => {
      if (one.verdict !== 'current') return replaced[rest.indexOf(one)];
      return fromKv(one.document, token && !one.item.ignoreToken ? 'strong' : 'eventual');
    });
  }

  async function readStored(...wanted: WantedDocument<unknown>[]) {
    const found = await findInKv(wanted, undefined);
    return found.map(({ document, verdict }) => (verdict === 'current' ? document : undefined));
  }

  return {
    // The results are in the order of the wanted documents, so each has the type of its view.
    read: read as unknown as ReadModels['read'],
    readStored: readStored as unknown as ReadModels['readStored'],
    async readFresh({ view, key }) {
      const { db } = openSession(database, 'first-primary');
      const [rowsOf] = await runBatch(db, [view.query(db, [key])]);
      return view.toDocument(asRowsOf(rowsOf), key);
    },
    readPast: (token, query) => openPast(token)(query),
    openPast,
  };
}

/** A document that exists, with its freshness. */
export interface FoundDocument<Data> extends Freshness {
  document: Loaded<Data>;
}

/** @throws the error that `notFound` makes when the read found no document */
export function requireDocument<Data>(result: ReadResult<Data>, notFound: () => Error): FoundDocument<Data> {
  const { document, ...freshness } = result;
  if (!document) throw notFound();
  return { document, ...freshness };
}
