import type { InferResponseType } from 'hono/client';
import type { api } from '../../api';
import type { Tone } from '../../parts/status';

type KeyApi = ReturnType<typeof api>['operations']['projections'][':view']['keys'][':key'];
/** A document with all that is known about it. */
export type InspectedKey = InferResponseType<KeyApi['$get']>;
export type OpenDelivery = InspectedKey['deliveries'][number];
type Code = InspectedKey['verdict']['code'];

/** Which words explain a document: the code of the verdict, and whether the event that it lacks has failed. */
export type Reason = Code | 'event-fails';

const tones: Readonly<Partial<Record<Code, Tone>>> = {
  'up-to-date': 'good',
  'no-such-document': 'quiet',
  failing: 'bad',
  'event-dead': 'bad',
  different: 'bad',
};

/** The delivery of the oldest event that the document lacks. */
function missingOf({ deliveries, row }: InspectedKey, status: OpenDelivery['status']): OpenDelivery | undefined {
  const lacks = deliveries.filter((one) => one.status === status && one.position > (row?.position ?? -1));
  return lacks.sort((one, other) => one.position - other.position)[0];
}

/** What explains the state of a document, for words in any language. */
export function explain(found: InspectedKey, timeOf: (iso: string) => string) {
  const { verdict, database, row, kv } = found;
  const missing = missingOf(found, verdict.code === 'event-dead' ? 'dead' : 'pending');
  const reason: Reason = verdict.code === 'event-waits' && missing?.lastError ? 'event-fails' : verdict.code;
  return {
    reason,
    tone: tones[verdict.code] ?? 'warn',
    missing,
    values: {
      error: database.error ?? row?.error ?? missing?.lastError ?? '–',
      event: missing?.type ?? '–',
      position: String(missing?.position ?? '–'),
      since: verdict.since === null ? '–' : timeOf(verdict.since),
      until: verdict.until === null ? '–' : timeOf(verdict.until),
      asOf: String(kv.document?.asOf ?? '–'),
      floor: String(found.floor),
      epoch: found.epoch,
      oldEpoch: kv.document?.epoch ?? '–',
    },
  } satisfies { tone: Tone } & Record<string, unknown>;
}
