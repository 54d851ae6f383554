import * as z from 'zod';
import type { ConsistencyToken } from '../log/consistency-token';
import type { Document } from './view';

// docs/architecture.md ("Which documents are new enough") explains marks and floors.

/** The key of the watermark in KV. A view's keys contain a colon, so no document has this key. */
export const watermarkKey = 'watermark';

/** The times of the watermark in milliseconds. */
export const watermarkTimes = {
  /**
   * The age from which a mark counts. Cloudflare documents that a location may serve a value of KV "60 seconds or more"
   * after it was replaced; the other 15 seconds are for the "or more" and for clocks that differ.
   */
  marginMs: 75_000,
  /** Of the marks that are older than this, only the newest is kept: an older mark proves nothing more. */
  keepMs: 120_000,
  /** Two marks are so far apart, because KV refuses a second write of a key within a second. */
  spacingMs: 1_000,
  /** How long a put waits that KV refused. */
  retryMs: 1_000,
} as const;

const watermarkSchema = z.object({
  epoch: z.string(),
  /** Pairs of a time in milliseconds and a position: at that time, all documents included every event up to there. */
  marks: z.array(z.tuple([z.int(), z.int()])),
  /** By the id of a view: documents of this view that are older than this position have missed an event. */
  floors: z.record(z.string(), z.int()),
});

/** What is known about all documents in KV. The marks are facts for ever, so an old watermark is not wrong. */
export type Watermark = z.infer<typeof watermarkSchema>;

/** Reads a watermark from a value of KV; undefined for anything else, and for a watermark of another epoch. */
export function parseWatermark(value: unknown, epoch: string): Watermark | undefined {
  const { data } = watermarkSchema.safeParse(value);
  return data?.epoch === epoch ? data : undefined;
}

/** Whether a watermark says as much as another one: the newest position, and the same floors. */
export function saysAsMuch(published: Watermark, { floors, marks }: Watermark): boolean {
  const newestOf = (list: Watermark['marks']) => Math.max(...list.map(([, position]) => position));
  return newestOf(published.marks) >= newestOf(marks) && JSON.stringify(published.floors) === JSON.stringify(floors);
}

/** The position up to which every document that KV returns now includes all events; -1 if no mark is old enough. */
function provenPosition({ marks }: Watermark, now: number): number {
  const isOldEnough = ([at]: Watermark['marks'][number]) => at + watermarkTimes.marginMs <= now;
  return Math.max(-1, ...marks.filter(isOldEnough).map(([, position]) => position));
}

/**
 * Whether a document from KV can answer a read. `current`: it includes every event up to the token's position.
 * `behind`: it may lack some of them. `void`: its shape has missed an event, so it does not count, not even as old data.
 */
export type Verdict = 'current' | 'behind' | 'void';

/** The circumstances of a read. */
export interface Circumstances {
  watermark: Watermark | undefined;
  token: ConsistencyToken | undefined;
  epoch: string;
  /** The time before KV was asked: a response that took long may have been true only at its beginning. */
  now: number;
}

/** The rule by which every read takes or leaves a document of KV. */
export function judge(
  view: string,
  { asOf }: Pick<Document, 'asOf'>,
  { watermark, token, epoch, now }: Circumstances,
): Verdict {
  if (asOf < (watermark?.floors[view] ?? 0)) return 'void';
  if (!token) return 'current';
  // The positions of another epoch count the events of another history.
  if (token.epoch !== epoch) return 'behind';
  const complete = Math.max(asOf, watermark ? provenPosition(watermark, now) : -1);
  return token.position <= complete ? 'current' : 'behind';
}
