import { sql } from 'drizzle-orm';
import type { Clock, Wait } from '../../platform/clock';
import { type Database, openSession, runBatch } from '../../platform/d1';
import { backoffMs } from '../../platform/retry';
import { lastPosition } from '../log/event-log';
import { isRefusal, type WatermarkStore } from './document-store';
import { saysAsMuch, type Watermark, watermarkTimes } from './watermark';

/** Publishes the watermark, which proves to reads that documents in KV are new enough for old tokens. */
export interface WatermarkPublisher {
  /** Takes a mark and publishes it. The schedule calls this each minute, and so repairs a publication that was lost. */
  publish(): Promise<void>;
  /**
   * Publishes if there is news. It does not wait for the moment at which another mark is possible, because a queue
   * acknowledges a batch only after the work in the background of its consumer, and would hold the next batch back.
   */
  publishNews(): Promise<void>;
}

/** A delivery that is pending or dead stands for documents that may lack its event, so the mark stays below it. */
const lowWatermark = sql<number>`coalesce(
  (SELECT min(position) FROM deliveries WHERE subscription = 'projections') - 1, ${lastPosition})`;

interface Mark {
  at: number;
  position: number;
  /** Whether the mark or a floor is higher than every mark before. A floor is never below a mark that knows it. */
  isNews: boolean;
}

/** The statement that reads the time of the newest mark; a replica that has this mark is at least as new as this time. */
export function newestMark(db: Database) {
  return db.all<{ at: number | null }>(sql`SELECT max(at) AS at FROM watermarks`);
}

export function createWatermarkPublisher(options: {
  database: D1Database;
  store: WatermarkStore;
  epoch: string;
  clock: Clock;
  wait: Wait;
}): WatermarkPublisher {
  const { database, store, epoch, clock, wait } = options;
  const { keepMs, retryMs, spacingMs } = watermarkTimes;
  const openPrimary = () => openSession(database, 'first-primary').db;

  async function takeMark(): Promise<Mark> {
    const [row] = await openPrimary().all<{ position: number; isNews: number }>(sql`
      SELECT position, position > newest OR missed > newest AS isNews
      FROM (SELECT ${lowWatermark} AS position,
        (SELECT coalesce(max(position), -1) FROM watermarks WHERE epoch = ${epoch}) AS newest,
        (SELECT coalesce(max(missed), 0) FROM shapes) AS missed)`);
    if (!row) throw new Error('D1 returned no row for the low watermark.');
    // The time is taken after the response, so that the fact was true at this time on every clock that agrees.
    return { at: clock.now(), position: row.position, isNews: row.isNews === 1 };
  }

  /**
   * Records a mark, and returns the watermark with it; undefined if another mark was recorded a moment ago. The floors
   * are read in the same batch as the marks, so a watermark has every floor that was raised before its marks.
   */
  async function record({ at, position }: Mark): Promise<Watermark | undefined> {
    const db = openPrimary();
    const [recorded, , marks, floors] = await runBatch(db, [
      db.all(sql`
        INSERT INTO watermarks (at, epoch, position)
        SELECT ${at}, ${epoch}, ${position} WHERE ${position} <= ${lastPosition}
          AND NOT EXISTS (SELECT 1 FROM watermarks WHERE abs(at - ${at}) < ${spacingMs})
        RETURNING at`),
      // Of the marks of one position, the first proves the most, and the last says how old a replica may be.
      db.run(sql`
        DELETE FROM watermarks
        WHERE epoch <> ${epoch} OR at < (SELECT max(at) FROM watermarks WHERE at <= ${at - keepMs})
          OR (position = ${position} AND at > (SELECT min(at) FROM watermarks WHERE position = ${position})
            AND at < (SELECT max(at) FROM watermarks WHERE position = ${position}))`),
      db.all<{ at: number; position: number }>(sql`
        SELECT min(at) AS at, position FROM watermarks WHERE epoch = ${epoch} GROUP BY position ORDER BY position`),
      db.all<{ view: string; missed: number }>(sql`SELECT view, missed FROM shapes WHERE missed > 0 ORDER BY view`),
    ]);
    if (recorded.length === 0) return undefined;
    return {
      epoch,
      marks: marks.map((mark) => [mark.at, mark.position]),
      floors: Object.fromEntries(floors.map(({ view, missed }) => [view, missed])),
    };
  }

  async function put(watermark: Watermark): Promise<void> {
    const published = (await store.getWithWatermark([])).watermark;
    if (published && saysAsMuch(published, watermark)) return;
    try {
      await store.putWatermark(watermark);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // At least `retryMs`.
      await wait(backoffMs(1, { firstMs: 2 * retryMs, longestMs: 2 * retryMs }));
      await store.putWatermark(watermark);
    }
  }

  async function publishMark(mark: Mark): Promise<void> {
    const watermark = await record(mark);
    if (watermark) await put(watermark);
  }

  return {
    publish: async () => publishMark(await takeMark()),
    async publishNews() {
      const mark = await takeMark();
      if (mark.isNews) await publishMark(mark);
    },
  };
}
