import { z } from 'zod';
import type { Document } from './view';

/** How many seconds a location of KV may cache a value; KV accepts no shorter time. */
const cacheTtl = 30;

const envelopeSchema = z.object({
  version: z.int(),
  revision: z.string().optional(),
  asOf: z.int(),
  projectedAt: z.number(),
  epoch: z.string(),
  data: z.unknown(),
});

/**
 * Whether KV refused a put (429: a second write to a key within a second). A refused put never arrives; after any other
 * failure the put may still arrive (rule "no guess" in docs/architecture.md).
 */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && /\b429\b/.test(error.message);
}

/** A part of the keys in KV; `after` is where the next part begins, null after the last key. */
export interface KeyPage {
  keys: string[];
  after: string | null;
}

/** The documents of the read models in KV. A value that is broken or of another epoch counts as missing. */
export interface DocumentStore {
  /** Reads documents with one bulk get, which is one KV operation. */
  getAll(keys: readonly string[]): Promise<Map<string, Document>>;
  put(key: string, document: Document): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Documents whose keys can be listed and looked up, for the reconciler. */
export interface ListableDocuments extends DocumentStore {
  /** Finds which keys have any value, also one that {@link getAll} counts as missing. */
  findPresent(keys: readonly string[]): Promise<Set<string>>;
  /** Lists keys in order. KV lists a change up to about a minute late. */
  list(after: string | null, limit: number): Promise<KeyPage>;
}

function parse(value: string | null): unknown {
  try {
    return JSON.parse(value ?? 'null');
  } catch {
    return undefined;
  }
}

export function createDocumentStore(kv: KVNamespace, epoch: string): ListableDocuments {
  return {
    async getAll(keys) {
      // As text, because one value that is not JSON would make the whole bulk get fail.
      const values = await kv.get([...keys], { type: 'text', cacheTtl });
      const documents = new Map<string, Document>();
      for (const [key, value] of values) {
        const parsed = envelopeSchema.safeParse(parse(value));
        if (parsed.success && parsed.data.epoch === epoch) documents.set(key, parsed.data);
      }
      return documents;
    },
    put: (key, document) => kv.put(key, JSON.stringify(document)),
    delete: (key) => kv.delete(key),
    async findPresent(keys) {
      const values = await kv.get([...keys], { type: 'text', cacheTtl });
      return new Set(keys.filter((key) => typeof values.get(key) === 'string'));
    },
    async list(after, limit) {
      const page = await kv.list({ limit, cursor: after });
      return { keys: page.keys.map(({ name }) => name), after: page.list_complete ? null : page.cursor };
    },
  };
}
