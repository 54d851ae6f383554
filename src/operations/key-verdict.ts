import { isoTime } from '../platform/clock';
import type { ProjectedKey } from './key-schemas';

/** KV may serve an older value for some time after a write, so a difference proves nothing within this time. */
const cachedMs = 120_000;

type Facts = Omit<ProjectedKey, 'verdict'>;
type Verdict = ProjectedKey['verdict'];

const say = (
  code: Verdict['code'],
  detail: string,
  times: Partial<Pick<Verdict, 'since' | 'until'>> = {},
): Verdict => ({
  code,
  detail,
  since: times.since ?? null,
  until: times.until ?? null,
});

/** The delivery of the oldest event that the document lacks. */
function findMissing({ deliveries, row }: Facts, status: 'pending' | 'dead') {
  const lacks = deliveries.filter((one) => one.status === status && one.position > (row?.position ?? -1));
  return lacks.sort((one, other) => one.position - other.position)[0];
}

/** A reason in the work of the projector, which goes before what KV has. */
function judgeWork(facts: Facts): Verdict | undefined {
  const { database, row } = facts;
  const error = database.error ?? row?.error ?? null;
  if (error !== null) {
    const detail = `The document cannot be made or stored: ${error}. It is tried again, but only a correction of the code or the data helps.`;
    return say('failing', detail);
  }
  const until = row?.claimedUntil ?? null;
  if (until !== null) return say('claimed', `A run is projecting the document; it holds it until ${until}.`, { until });
  const waiting = findMissing(facts, 'pending');
  if (waiting) {
    const { lastError, nextSendAt: until, occurredAt: since, position, type } = waiting;
    const failed = lastError === null ? 'no try has failed' : `the last try failed with ${lastError}`;
    return say('event-waits', `The event ${type} at position ${position} waits since ${since}; ${failed}.`, {
      since,
      until,
    });
  }
  const dead = findMissing(facts, 'dead');
  if (dead) {
    const { id, lastError, lastFailedAt: since, type } = dead;
    const detail = `The delivery of the event ${type} is the dead letter ${id} (${lastError ?? 'no error'}). Replay it.`;
    return say('event-dead', detail, { since });
  }
  if (row?.recheckAt == null) return undefined;
  const detail = `An earlier put may still arrive, or a repair was asked for; it is projected once more after ${row.recheckAt}.`;
  return say('to-be-rechecked', detail, { until: row.recheckAt });
}

/** What KV has, compared with the database. */
function judgeStored({ database, epoch, floor, isSame, kv, row }: Facts, now: number): Verdict {
  const stored = kv.document;
  if (kv.state === 'absent' && !database.document)
    return say('no-such-document', 'Neither the database nor KV has such a document.');
  const quietFrom = row?.lastTouchedAt == null ? 0 : Date.parse(row.lastTouchedAt) + cachedMs;
  const mayBeCached = quietFrom > now;
  const repair = 'The reconciler repairs it within a day; you can project it now.';
  if (mayBeCached && (!isSame || stored?.asOf !== row?.position)) {
    const until = isoTime(quietFrom);
    return say('cached', `It was projected a moment ago, and KV may show an older value until ${until}.`, { until });
  }
  if (stored && kv.state === 'other-epoch')
    return say(
      'other-epoch',
      `KV has a document of the epoch ${stored.epoch}, and this is the epoch ${epoch}. ${repair}`,
    );
  if (kv.state === 'broken')
    return say('broken', `The value in KV is not a document, so the database answers. ${repair}`);
  if (!stored) return say('missing', `KV has no document, so the database answers. ${repair}`);
  if (stored.asOf < floor)
    return say('missed-an-event', `The document is older than position ${floor}, so the database answers. ${repair}`);
  if (!isSame)
    return say('different', `The document differs from the database without a known reason. ${repair}`, {
      since: stored.projectedAt,
    });
  return say('up-to-date', 'KV has the same document as the database.', { since: stored.projectedAt });
}

/** Says why a document is, or is not, up to date. */
export function judgeKey(facts: Facts, now: number): Verdict {
  return judgeWork(facts) ?? judgeStored(facts, now);
}
