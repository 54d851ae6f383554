import { z } from 'zod';
import type { Document } from './view';

/** The shortest time, in seconds, that KV lets a location cache a value. */
const cacheTtl = 30;

const envelopeSchema = z.object({
  version: z.int(),
  revision: z.string().optional(),
  asOf: z.int(),
  projectedAt: z.number(),
  epoch: z.string(),
  data: z.unknown(),
});

/** Whether a put failed because KV definitely refused it (a second write within a second), so that it can't land later. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && /\b429\b/.test(error.message);
}

/** The read models' documents in KV. A document of another epoch counts as missing. */
export interface DocumentStore {
  /** One bulk get, so one KV operation. */
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
