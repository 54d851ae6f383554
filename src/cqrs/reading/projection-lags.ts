import { sql } from 'drizzle-orm';
import type { Database } from '../../platform/d1';
import { documentKey, type Target, type ViewKey } from './view';

// How long events wait until their documents are in KV, of all isolates together. A batch of the projector counts its
// lags in one row, which is one of a ring: nothing has to be deleted. Nobody decides anything by these figures.

/** The upper bounds of the buckets in seconds; a last bucket takes what is larger. */
export const lagBounds = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300] as const;

const windowMs = 5 * 60_000;
const hourMs = 60 * 60_000;
/** Twice as many as an hour has, so that no row of the last hour is overwritten. */
const slots = 24;

/** An event with the time at which it was recorded (ISO 8601), and the documents that it touches. */
export interface TimedEvent {
  position: number;
  occurredAt: string;
  targets: readonly Target[];
}

/** How many lags fell into a bucket, by the view's name and the bucket's upper bound: `ticket:0.5`. */
export type LagCounts = Readonly<Record<string, number>>;

/**
 * Counts the lags of events whose documents were put, once for each event and view.
 * @param counted the pairs of event and view that this run has counted; the new ones are added
 */
export function countLags(
  events: readonly TimedEvent[],
  put: readonly (ViewKey & { definition: { name: string } | undefined })[],
  counted: Set<string>,
  now: number,
): LagCounts {
  const names = new Map(put.map((key) => [documentKey(key), key.definition?.name]));
  const counts: Record<string, number> = {};
  for (const { position, occurredAt, targets } of events) {
    // The clock of the isolate that recorded the event can be ahead of this one.
    const seconds = Math.max(0, (now - Date.parse(occurredAt)) / 1000);
    if (Number.isNaN(seconds)) continue;
    const bound = lagBounds.find((candidate) => seconds <= candidate) ?? 'Inf';
    for (const target of targets) {
      const name = names.get(documentKey(target));
      const pair = `${position} ${name}`;
      if (name === undefined || counted.has(pair)) continue;
      counted.add(pair);
      counts[`${name}:${bound}`] = (counts[`${name}:${bound}`] ?? 0) + 1;
    }
  }
  return counts;
}

/**
 * The statement that adds counts to the row of the current window; none if there is nothing to add. It shares the batch
 * that confirms the documents, so no content of the row may make it fail; `sum()` would fail beyond 64 bits.
 */
export function recordLags(db: Database, counts: LagCounts, now: number) {
  if (Object.keys(counts).length === 0) return [];
  const startedAt = now - (now % windowMs);
  const slot = (startedAt / windowMs) % slots;
  const old = sql`CASE WHEN json_valid(projection_lags.counts) AND json_type(projection_lags.counts) = 'object'
    THEN projection_lags.counts ELSE '{}' END`;
  return [
    db.run(sql`
      INSERT INTO projection_lags (slot, started_at, counts) VALUES (${slot}, ${startedAt}, ${JSON.stringify(counts)})
      ON CONFLICT (slot) DO UPDATE SET
        started_at = excluded.started_at,
        counts = CASE WHEN projection_lags.started_at <> excluded.started_at THEN excluded.counts ELSE (
          SELECT json_group_object(name, total) FROM (
            SELECT key AS name, CAST(total(value) AS INTEGER) AS total
            FROM (SELECT key, value FROM json_each(${old}) UNION ALL SELECT key, value FROM json_each(excluded.counts))
            GROUP BY key)) END`),
  ];
}

/** A row of the table `projection_lags`. */
export interface LagRow {
  counts: string;
}

/** The statement that reads the counts of the last hour. */
export function selectLags(db: Database, now: number) {
  return db.all<LagRow>(
    sql`SELECT counts FROM projection_lags WHERE started_at > ${now - hourMs} AND started_at <= ${now}`,
  );
}

/** How long events of the last hour waited for the documents of a view: the half of them, and 99 of 100, at most. */
export interface ViewLag {
  view: string;
  /** How many events these are. */
  events: number;
  p50Seconds: number;
  p99Seconds: number;
}

/** The quantiles of each view that has projected an event; rows that cannot be read are left out. */
export function toViewLags(rows: readonly LagRow[]): ViewLag[] {
  const byView = new Map<string, number[]>();
  for (const { counts } of rows) {
    for (const [name, count] of Object.entries(readCounts(counts))) {
      const [view = '', bound = ''] = name.split(':');
      const known = lagBounds.findIndex((candidate) => String(candidate) === bound);
      const index = known === -1 ? lagBounds.length : known;
      const buckets = byView.get(view) ?? [...lagBounds, Infinity].map(() => 0);
      buckets[index] = (buckets[index] ?? 0) + count;
      byView.set(view, buckets);
    }
  }
  return [...byView]
    .map(([view, counts]) => ({
      view,
      events: counts.reduce((sum, count) => sum + count, 0),
      p50Seconds: quantileOf(counts, lagBounds, 0.5),
      p99Seconds: quantileOf(counts, lagBounds, 0.99),
    }))
    .sort((one, other) => (one.view < other.view ? -1 : 1));
}

function readCounts(text: string): LagCounts {
  try {
    const entries = Object.entries(JSON.parse(text) ?? {});
    return Object.fromEntries(entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
  } catch {
    return {};
  }
}

/**
 * The value below which a part of the counted values is. Within a bucket they are taken as evenly spread, as Prometheus
 * does it; of the last bucket only the lower bound is known.
 */
export function quantileOf(counts: readonly number[], bounds: readonly number[], quantile: number): number {
  const rank = quantile * counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [index, bound] of bounds.entries()) {
    const count = counts[index] ?? 0;
    const lower = bounds[index - 1] ?? 0;
    if (count > 0 && below + count >= rank) {
      return Math.round(1000 * (lower + ((bound - lower) * (rank - below)) / count)) / 1000;
    }
    below += count;
  }
  return bounds.at(-1) ?? 0;
}
