import { isRefusedForGood } from '../../platform/failure';
import type { Document } from './view';
import { parseWatermark, type Watermark, watermarkKey } from './watermark';

/** How many seconds a location of KV may cache a value; KV accepts no shorter time. */
const cacheTtl = 30;

/**
 * Whether a value of KV is a document. Every read asks this for each document, so it looks at the envelope alone: the data in
 * it was made by a view of this API.
 */
function isDocument(value: unknown): value is Document {
  if (typeof value !== 'object' || value === null || !('data' in value)) return false;
  const { version, revision, asOf, projectedAt, epoch } = value as Partial<Document>;
  return (
    Number.isInteger(version) &&
    Number.isInteger(asOf) &&
    typeof projectedAt === 'number' &&
    typeof epoch === 'string' &&
    (revision === undefined || typeof revision === 'string')
  );
}

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

/** What KV has under a key, as an operator sees it. */
export type StoredValue =
  | { state: 'absent' | 'broken'; document?: undefined }
  | { state: 'other-epoch' | 'present'; document: Document };

/** Values of KV as they are, for the inspection of one key. */
export interface InspectableDocuments {
  /** Reads one value, which may be no document, or one of another epoch. */
  look(key: string): Promise<StoredValue>;
}

/** Parses one value alone: if KV parsed the values, one that is not JSON would make the whole bulk get fail. */
function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

export function createDocumentStore(
  kv: KVNamespace,
  epoch: string,
): ListableDocuments & WatermarkStore & InspectableDocuments {
  const getTexts = (keys: readonly string[]) => kv.get([...keys], { type: 'text', cacheTtl });
  /** The watermark changes once a second at most, so most reads find the text that was parsed before. */
  let known: { text: string | null; watermark: Watermark | undefined } = { text: null, watermark: undefined };

  function toDocuments(keys: readonly string[], texts: ReadonlyMap<string, string | null>): Map<string, Document> {
    const documents = new Map<string, Document>();
    for (const key of keys) {
      const value = parseJson(texts.get(key) ?? null);
      if (isDocument(value) && value.epoch === epoch) documents.set(key, value);
    }
    return documents;
  }

  function toWatermark(text: string | null): Watermark | undefined {
    if (text !== known.text) known = { text, watermark: parseWatermark(parseJson(text), epoch) };
    return known.watermark;
  }

  return {
    getAll: async (keys) => toDocuments(keys, await getTexts(keys)),
    async getWithWatermark(keys) {
      const texts = await getTexts([...keys, watermarkKey]);
      return { documents: toDocuments(keys, texts), watermark: toWatermark(texts.get(watermarkKey) ?? null) };
    },
    put: (key, document) => kv.put(key, JSON.stringify(document)),
    putWatermark: (watermark) => kv.put(watermarkKey, JSON.stringify(watermark)),
    delete: (key) => kv.delete(key),
    async findPresent(keys) {
      const texts = await getTexts(keys);
      return new Set(keys.filter((key) => typeof texts.get(key) === 'string'));
    },
    async look(key) {
      const text = (await getTexts([key])).get(key) ?? null;
      if (text === null) return { state: 'absent' };
      const value = parseJson(text);
      if (!isDocument(value)) return { state: 'broken' };
      return { state: value.epoch === epoch ? 'present' : 'other-epoch', document: value };
    },
    async list(after, limit) {
      const page = await kv.list({ limit, cursor: after });
      return { keys: page.keys.map(({ name }) => name), after: page.list_complete ? null : page.cursor };
    },
  };
}
