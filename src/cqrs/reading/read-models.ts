import type { Clock } from '../../platform/clock';
import { type Database, openSession, runBatch } from '../../platform/d1';
import type { ConsistencyToken } from '../log/consistency-token';
import type { DocumentStore } from './document-store';
import type { Document, Loaded, View } from './view';

/**
 * The guarantee of a read. `strong`: the data is at least as new as the request's token. `eventual`: the request had no
 * token. `stale`: the data is older than the token, because D1 was not available.
 */
export type Consistency = 'strong' | 'eventual' | 'stale';

/** The source and the age of the data of a read. */
export interface Freshness {
  consistency: Consistency;
  /** Seconds since the document was projected; 0 for data from D1. */
  ageSeconds: number;
  source: 'kv' | 'd1';
}

export interface ReadResult<Data> extends Freshness {
  document: Loaded<Data> | undefined;
}

/** A document that a read asks for. */
export interface WantedDocument<Data> {
  view: View<Data>;
  key: string;
  /** Set when the document may be older than the token. For access the cache time of KV is the limit. */
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
  /** Reads one document from D1's primary, because KV may be older. */
  readFresh<Data>(wanted: WantedDocument<Data>): Promise<Loaded<Data> | undefined>;
  /** Runs a query on D1 at the token's bookmark, for the pages after the first one of a list. */
  query<Row>(token: ConsistencyToken | undefined, build: (db: Database) => PromiseLike<Row>): Promise<Row>;
}

export function createReadModels(options: {
  documents: DocumentStore;
  database: D1Database;
  epoch: string;
  clock: Clock;
}): ReadModels {
  const { documents, database, epoch, clock } = options;

  /** A token of another epoch has a position and a bookmark of another database, so the primary is read. */
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

  async function fromD1(wanted: readonly WantedDocument<unknown>[], token: ConsistencyToken | undefined) {
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

  async function read(token: ConsistencyToken | undefined, ...wanted: WantedDocument<unknown>[]) {
    const cached = await documents.getAll(wanted.map(({ view, key }) => view.kvKey(key))).catch(() => new Map());
    const results = new Map<WantedDocument<unknown>, ReadResult<unknown>>();
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
    // The results are in the order of the wanted documents, so each has the type of its view.
    read: read as unknown as ReadModels['read'],
    async readFresh({ view, key }) {
      const { db } = openSession(database, 'first-primary');
      const [rows] = await runBatch(db, [view.query(db, key)]);
      return view.toDocument(rows, key);
    },
    query: async (token, build) => build(openSession(database, sessionFrom(token)).db),
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
