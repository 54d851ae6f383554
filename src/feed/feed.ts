import { type Origin, toEnvelope } from '../cqrs/log/envelope';
import { type EventCatalogue, type RecordedEvent, upcast } from '../cqrs/log/event';
import { type EventRow, type SliceRow, toRecordedEvent } from '../cqrs/log/event-log';
import { feedErrors } from './errors';
import type { FeedPage } from './schemas';

/** How long a consumer waits before it asks again for an event that this release cannot read, in seconds. */
const retryAfterSeconds = 60;

/** What a page was asked for. */
export interface Asked {
  after: number;
  limit: number;
  /** How many positions were searched for events of some types; undefined for events of all types. */
  searched: number | undefined;
}

/** Whether a row of a slice has an event. */
function hasEvent(row: SliceRow): row is EventRow & SliceRow {
  return row.position !== null;
}

/**
 * Makes a page of a slice of the log. It ends before the first event that this release cannot read.
 * @throws DomainError `events.unreadable` (503) if that is the first event of the slice
 */
export function toFeedPage(
  rows: readonly SliceRow[],
  { after, limit, searched }: Asked,
  catalogue: EventCatalogue,
  origin: Origin,
): FeedPage {
  const end = rows[0]?.end ?? 0;
  const found = rows.filter(hasEvent);
  const events: RecordedEvent[] = [];
  for (const row of found) {
    try {
      events.push(upcast(catalogue, toRecordedEvent(row)));
    } catch (cause) {
      if (events.length === 0) throw feedErrors.unreadable({ position: row.position, retryAfterSeconds }, { cause });
      break;
    }
  }
  const isWhole = events.length === found.length && found.length < limit;
  const searchedUntil = searched === undefined ? end : Math.min(after + searched, end);
  const nextAfter = isWhole ? searchedUntil : (events.at(-1)?.position ?? after);
  return {
    data: events.map((event) => toEnvelope(event, origin) as FeedPage['data'][number]),
    nextAfter,
    epoch: origin.epoch,
    isUpToDate: nextAfter >= end,
  };
}
