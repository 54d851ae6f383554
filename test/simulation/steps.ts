import type { limits } from '../../src/platform/limits';

/** A limit whose reaching a statement shows. */
export type LimitName = keyof typeof limits;

/** The steps of the protocols that the coverage tells apart, by the statement that only this step has. */
const steps: readonly (readonly [RegExp, string])[] = [
  [/^\s*INSERT INTO events/i, 'commit'],
  [/^\s*INSERT INTO projections \(view, key, position, claimed_by/i, 'claim keys'],
  [/^\s*INSERT INTO projections \(view, key, position, claimed_until, recheck_at/i, 'mark keys'],
  [/^\s*UPDATE projections SET position/i, 'confirm keys'],
  [/^\s*UPDATE deliveries SET claimed_until = 0/i, 'release delivery'],
  [/^\s*UPDATE deliveries SET claimed_until/i, 'claim deliveries'],
  [/^\s*UPDATE deliveries SET status = 'dead', failures/i, 'mark as dead'],
  [/^\s*UPDATE deliveries SET status = 'dead' WHERE/i, 'bury'],
  [/^\s*UPDATE deliveries SET failures/i, 'record failure'],
  [/^\s*UPDATE deliveries SET last_error/i, 'put off'],
  [/^\s*UPDATE deliveries SET attempts = attempts/i, 'take due deliveries'],
  [/^\s*UPDATE deliveries SET attempts = max/i, 'give back deliveries'],
  [/^\s*DELETE FROM deliveries/i, 'complete deliveries'],
  [/^\s*update "rebuilds"/i, 'save rebuild'],
  [/^\s*UPDATE reconciliation/i, 'save reconciler'],
  [/^\s*SELECT position, position > newest/i, 'take mark'],
  [/^\s*INSERT INTO watermarks/i, 'record mark'],
  [/^\s*SELECT target\.value->>'view'/i, 'find unsettled keys'],
];

/** The steps that a history meets so seldom that faults and deaths aim at them. */
export const rareSteps: ReadonlySet<string | undefined> = new Set([
  'mark keys',
  'release delivery',
  'mark as dead',
  'bury',
  'record failure',
  'put off',
  'give back deliveries',
  'save rebuild',
  'save reconciler',
  'record mark',
]);

/** The statements whose rows a limit bounds. */
const limited: readonly (readonly [RegExp, LimitName])[] = [
  [/^\s*SELECT events\.\* FROM deliveries JOIN events/i, 'deliveriesPerRelayRound'],
  [/^\s*SELECT view, key FROM projections WHERE recheck_at/i, 'keysToRecheckPerRun'],
  [/^\s*SELECT view, key FROM projections WHERE \(view, key\) >/i, 'keysPerReconcilerSlice'],
  [/^\s*SELECT events\.\* FROM\s+\(SELECT position FROM deliveries/i, 'pendingEventsPerReconcilerRun'],
  [/^\s*SELECT p\.view, p\.key FROM shapes AS other/i, 'obsoleteDocumentsPerRun'],
  [/^\s*SELECT view, key FROM projections WHERE view = .* position > 0/is, 'orphansPerRebuildStep'],
  [/^\s*SELECT wanted\.value AS key/i, 'keysPerRebuildStep'],
  [/^\s*SELECT \* FROM events WHERE position > .* AND position <=/i, 'eventsPerRebuildStep'],
  [/^\s*INSERT INTO projections \(view, key, position, claimed_by/i, 'keysPerBatch'],
  [/^\s*SELECT target\.value->>'view'/i, 'keysPerInvocation'],
  [/^\s*SELECT position, subscription FROM/i, 'deadLettersPerCommand'],
  [/^\s*DELETE FROM .* WHERE expires_at <=/is, 'expiredRowsPerRun'],
  // The documents of lists: each cell has one row more than a page.
  [/ from json_each\(\?\) AS wanted\s+LEFT JOIN list_counts/i, 'firstPageSize'],
];

/** The step that a statement belongs to, and the limit that it can reach. */
export function protocolOf(sql: string): { step: string | undefined; limit: LimitName | undefined } {
  return {
    step: steps.find(([pattern]) => pattern.test(sql))?.[1],
    limit: limited.find(([pattern]) => pattern.test(sql))?.[1],
  };
}
