import type { english } from './texts';

/** Which words explain a document: the code of the verdict, and whether the event that it lacks has failed. */
export type Reason = keyof typeof english.verdict;

interface Delivery {
  position: number;
  status: 'pending' | 'dead';
  type: string;
  occurredAt: string;
  lastError: string | null;
}

/** A run that works is done long before, so what waits longer for its claim has probably lost it. */
const usualMs = 30_000;

/** What the API knows of a document, as far as it explains something. */
interface Known<Work extends Delivery> {
  verdict: { code: Exclude<Reason, 'event-fails' | 'held'>; since: string | null; until: string | null };
  database: { error: string | null };
  kv: { document: { asOf: number; epoch: string } | null };
  row: { position: number; error: string | null } | null;
  floor: number;
  epoch: string;
  deliveries: readonly Work[];
}

/** The delivery of the oldest event that the document lacks. */
function missingOf<Work extends Delivery>({ deliveries, row }: Known<Work>, status: Work['status']): Work | undefined {
  const lacks = deliveries.filter((one) => one.status === status && one.position > (row?.position ?? -1));
  return lacks.sort((one, other) => one.position - other.position)[0];
}

function reasonOf({ verdict: { code } }: Known<Delivery>, missing: Delivery | undefined): Reason {
  if (code === 'event-waits' && missing?.lastError) return 'event-fails';
  const isLong = missing !== undefined && Date.now() - Date.parse(missing.occurredAt) > usualMs;
  return code === 'claimed' && isLong ? 'held' : code;
}

/** Which words explain the state of a document in any language, and what they leave open. */
export function explain<Work extends Delivery>(known: Known<Work>, timeOf: (iso: string) => string) {
  const { verdict, database, row, kv } = known;
  const missing = missingOf(known, verdict.code === 'event-dead' ? 'dead' : 'pending');
  const reason = reasonOf(known, missing);
  const since = reason === 'held' && missing ? missing.occurredAt : verdict.since;
  const values = {
    error: database.error ?? row?.error ?? missing?.lastError ?? '–',
    event: missing?.type ?? '–',
    position: String(missing?.position ?? '–'),
    since: since === null ? '–' : timeOf(since),
    until: verdict.until === null ? '–' : timeOf(verdict.until),
    asOf: String(kv.document?.asOf ?? '–'),
    floor: String(known.floor),
    epoch: known.epoch,
    oldEpoch: kv.document?.epoch ?? '–',
  };
  return { reason, missing, values };
}
