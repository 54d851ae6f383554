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

/** The documents of the read models in KV. A document of another epoch counts as missing. */
export interface DocumentStore {
  /** Reads documents with one bulk get, which is one KV operation. */
  getAll(keys: readonly string[]): Promise<Map<string, Document>>;
  put(key: string, document: Document): Promise<void>;
  delete(key: string): Promise<void>;
}

export function createDocumentStore(kv: KVNamespace, epoch: string): DocumentStore {
  return {
    async getAll(keys) {
      const values = await kv.get([...keys], { type: 'json', cacheTtl });
      const documents = new Map<string, Document>();
      for (const [key, value] of values) {
        const parsed = envelopeSchema.safeParse(value);
        if (parsed.success && parsed.data.epoch === epoch) documents.set(key, parsed.data);
      }
      return documents;
    },
    put: (key, document) => kv.put(key, JSON.stringify(document)),
    delete: (key) => kv.delete(key),
  };
}
