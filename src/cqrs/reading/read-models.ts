import type { Clock } from '../../platform/clock';
import { type Database, openSession, runBatch } from '../../platform/d1';
import type { ConsistencyToken } from '../log/consistency-token';
import type { DocumentStore } from './document-store';
import type { Document, Loaded, View } from './view';

/**
 * What a read guarantees: `strong` is at least as new as the token that the read carried; `eventual` guarantees nothing;
 * `stale` is older than the token, and is served only while D1 is unavailable.
 */
export type Consistency = 'strong' | 'eventual' | 'stale';

/** Where a read's data came from, and how old it is. */
export interface Freshness {
  consistency: Consistency;
  /** Seconds since the document was projected; 0 for data from D1. */
  ageSeconds: number;
  source: 'kv' | 'd1';
}

export interface ReadResult<Data> extends Freshness {
  document: Loaded<Data> | undefined;
}

/** One document of a view. */
export interface Wanted<Data> {
  view: View<Data>;
  key: string;
  /** Set where a KV document that is older than the token is good enough: access has a time limit of its own. */
  ignoreToken?: boolean;
}

type Results<Data extends readonly unknown[]> = { [Index in keyof Data]: ReadResult<Data[Index]> };
type AllWanted<Data extends readonly unknown[]> = { [Index in keyof Data]: Wanted<Data[Index]> };

export interface ReadModels {
  /** Reads documents with one KV operation, and what KV lacks or has too old with one D1 round trip. */
  read<Data extends readonly unknown[]>(
    token: ConsistencyToken | undefined,
    ...wanted: AllWanted<Data>
  ): Promise<Results<Data>>;
  /** Reads one document from D1's primary, past KV and its caches. */
  readFresh<Data>(wanted: Wanted<Data>): Promise<Loaded<Data> | undefined>;
  /** Runs a query on D1 at the token's bookmark: deeper pages of lists. */
  query<Row>(token: ConsistencyToken | undefined, build: (db: Database) => PromiseLike<Row>): Promise<Row>;
}

export function createReadModels(options: {
  documents: DocumentStore;
  database: D1Database;
  epoch: string;
  clock: Clock;
}): ReadModels {
  const { documents, database, epoch, clock } = options;

  /** The position and bookmark of another epoch mean nothing now, so the primary is read. */
  function sessionFrom(token: ConsistencyToken | undefined): string {
    if (!token) return 'first-unconstrained';
    return token.epoch === epoch ? (token.bookmark ?? 'first-primary') : 'first-primary';
  }

  function isFresh(document: Document, token: ConsistencyToken | undefined): boolean {
    return !token || (token.epoch === epoch && document.asOf >= token.position);
  }

  function fromKv(document: Document, consistency: Consistency): ReadResult<unknown> {
    const ageSeconds = Math.max(0, Math.floor((clock.now() - document.projectedAt) / 1000));
    const { version, revision, data } = document;
    return { document: { version, revision, data }, consistency, ageSeconds, source: 'kv' };
  }

  async function fromD1(wanted: readonly Wanted<unknown>[], token: ConsistencyToken | undefined) {
    const { db } = openSession(database, sessionFrom(token));
    const rows = await runBatch(
      db,
      wanted.map(({ view, key }) => view.query(db, key)),
    );
    const consistency: Consistency = token ? 'strong' : 'eventual';
    return wanted.map(({ view, key }, index) => ({
      document: view.toDocument(rows[index], key),
      consistency,
      ageSeconds: 0,
      source: 'd1' as const,
    }));
  }

  async function read(token: ConsistencyToken | undefined, ...wanted: Wanted<unknown>[]) {
    const cached = await documents.getAll(wanted.map(({ view, key }) => view.kvKey(key))).catch(() => new Map());
    const results = new Map<Wanted<unknown>, ReadResult<unknown>>();
    for (const item of wanted) {
      const document = cached.get(item.view.kvKey(item.key));
      if (document && (item.ignoreToken || isFresh(document, token))) {
        results.set(item, fromKv(document, token && !item.ignoreToken ? 'strong' : 'eventual'));
      }
    }
    const missing = wanted.filter((item) => !results.has(item));
    if (missing.length > 0) {
      try {
        for (const [index, result] of (await fromD1(missing, token)).entries()) {
          const item = missing[index];
          if (item) results.set(item, result);
        }
      } catch (cause) {
        for (const item of missing) {
          const document = cached.get(item.view.kvKey(item.key));
          if (!document) throw cause;
          results.set(item, fromKv(document, 'stale'));
        }
      }
    }
    return wanted.map((item) => results.get(item));
  }

  return {
    // Each result is the document of the view that was asked for in its place.
    read: read as unknown as ReadModels['read'],
    async readFresh({ view, key }) {
      const { db } = openSession(database, 'first-primary');
      const [rows] = await runBatch(db, [view.query(db, key)]);
      return view.toDocument(rows, key);
    },
    query: async (token, build) => build(openSession(database, sessionFrom(token)).db),
  };
}

/** A document that exists, and how fresh it is. */
export interface FoundDocument<Data> extends Freshness {
  document: Loaded<Data>;
}

/** @throws the error that `notFound` makes, when there is no document */
export function requireDocument<Data>(result: ReadResult<Data>, notFound: () => Error): FoundDocument<Data> {
  const { document, ...freshness } = result;
  if (!document) throw notFound();
  return { document, ...freshness };
}
