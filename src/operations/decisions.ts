import { type EventCatalogue, upcast } from '../cqrs/log/event';
import { type EventRow, eventOfStream, toRecordedEvent } from '../cqrs/log/event-log';
import { isoTime } from '../platform/clock';
import type { Database } from '../platform/d1';
import { toAuditEvent } from './audit-trail';
import { DeadLettersReplayed, deadLetterStream } from './events';
import { findOutcomes, type Outcome, type Work } from './work';
import { type DeadLetterDecision, workStates } from './work-schemas';

/** What the API shows of the work for one event. */
export const presentOutcome = ({ position, row, state, subscription }: Outcome) => ({
  id: `${position}-${subscription}`,
  subscription,
  state,
  attempts: row?.tries ?? 0,
  lastError: row?.last_error ?? null,
  nextSendAt: row?.status === 'pending' ? isoTime(row.available_at) : null,
});

/**
 * Finds a decision about dead letters, by its version in their stream, with what became of each letter since.
 * @returns undefined for a decision that there never was
 */
export async function findDecision(
  db: Database,
  decision: number,
  { catalogue, now }: { catalogue: EventCatalogue; now: number },
): Promise<DeadLetterDecision | undefined> {
  const [row] = await db.all<EventRow>(eventOfStream({ ...deadLetterStream, version: decision }));
  if (!row) return undefined;
  const event = upcast(catalogue, toRecordedEvent(row));
  const isReplay = event.type === DeadLettersReplayed.type;
  // Both events of the stream have this data.
  const { letters } = event.data as { letters: Work[] };
  const outcomes: Outcome[] = isReplay
    ? await findOutcomes(db, letters, event, now)
    : letters.map((letter) => ({ ...letter, state: 'discarded', row: undefined }));
  const countOf = (wanted: Outcome['state']) => outcomes.filter(({ state }) => state === wanted).length;
  const counts = Object.fromEntries(workStates.map((state) => [state, countOf(state)]));
  return {
    decision,
    action: isReplay ? 'replayed' : 'discarded',
    event: toAuditEvent(row),
    // The object has each of the states.
    counts: counts as DeadLetterDecision['counts'],
    data: outcomes.map(presentOutcome),
  };
}
