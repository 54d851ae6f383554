import { z } from 'zod';
import { isRefusedForGood } from '../../platform/failure';
import type { Document } from './view';
import { parseWatermark, type Watermark, watermarkKey } from './watermark';

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
 * Whether KV refused a put: for the moment (429: a second write to a key within a second), or for good. A refused put
 * never arrives; after any other failure the put may still arrive (rule "no guess" in docs/architecture.md).
 */
export function isRefusal(error: unknown): boolean {
  return isRefusedForGood(error) || (error instanceof Error && /\b429\b/.test(error.message));
}

/** A part of the keys in KV; `after` is where the next part begins, null after the last key. */
export interface KeyPage {
  keys: string[];
  after: string | null;
}

/** The documents of the read models in KV. A document of another epoch, or one that is broken, counts as missing. */
export interface DocumentStore {
  /** Reads documents with one bulk get, which is one KV operation and takes up to 100 keys. */
  getAll(keys: readonly string[]): Promise<Map<string, Document>>;
  put(key: string, document: Document): Promise<void>;
  delete(key: string): Promise<void>;
}

/** The documents of a read together with the watermark by which they are judged. */
export interface JudgedDocuments {
  documents: ReadonlyMap<string, Document>;
  watermark: Watermark | undefined;
}

/** The watermark in KV. */
export interface WatermarkStore {
  /** Reads documents and the watermark with one bulk get. */
  getWithWatermark(keys: readonly string[]): Promise<JudgedDocuments>;
  putWatermark(watermark: Watermark): Promise<void>;
}

/** Documents whose keys can be listed and looked up, for the reconciler. */
export interface ListableDocuments extends DocumentStore {
  /** Finds which keys have any value, also one that {@link getAll} counts as missing. */
  findPresent(keys: readonly string[]): Promise<Set<string>>;
  /** Lists keys in order. KV lists a change up to about a minute late. */
  list(after: string | null, limit: number): Promise<KeyPage>;
}

/** Parses one value alone: if KV parsed the values, one that is not JSON would make the whole bulk get fail. */
function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

export function createDocumentStore(kv: KVNamespace, epoch: string): ListableDocuments & WatermarkStore {
  async function getValues(keys: readonly string[]): Promise<Map<string, unknown>> {
    const texts = await kv.get([...keys], { type: 'text', cacheTtl });
    return new Map([...texts].map(([key, text]) => [key, parseJson(text)]));
  }

  function toDocuments(values: ReadonlyMap<string, unknown>): Map<string, Document> {
    const documents = new Map<string, Document>();
    for (const [key, value] of values) {
      const parsed = envelopeSchema.safeParse(value);
      if (parsed.success && parsed.data.epoch === epoch) documents.set(key, parsed.data);
    }
    return documents;
  }

  return {
    getAll: async (keys) => toDocuments(await getValues(keys)),
    async getWithWatermark(keys) {
      const values = await getValues([...keys, watermarkKey]);
      return { documents: toDocuments(values), watermark: parseWatermark(values.get(watermarkKey), epoch) };
    },
    put: (key, document) => kv.put(key, JSON.stringify(document)),
    putWatermark: (watermark) => kv.put(watermarkKey, JSON.stringify(watermark)),
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
