import type { limits } from '../../src/platform/limits';

/** A limit whose reaching a statement shows. */
export type LimitName = keyof typeof limits;

/** The steps of the protocols that the coverage tells apart, by the statement that only this step has. */
const steps: readonly (readonly [RegExp, string])[] = [
  [/^\s*INSERT INTO events/i, 'commit'],
  [/^\s*INSERT INTO projections/i, 'claim keys'],
  [/^\s*UPDATE projections SET position/i, 'confirm keys'],
  [/^\s*UPDATE deliveries SET claimed_until = 0/i, 'release delivery'],
  [/^\s*UPDATE deliveries SET claimed_until/i, 'claim deliveries'],
  [/^\s*UPDATE deliveries SET status = 'dead'/i, 'bury'],
  [/^\s*UPDATE deliveries SET attempts = attempts \+ 1,\s*last_error/i, 'record failure'],
  [/^\s*UPDATE deliveries SET attempts/i, 'take due deliveries'],
  [/^\s*DELETE FROM deliveries/i, 'complete deliveries'],
  [/^\s*update "rebuilds"/i, 'save rebuild'],
  [/^\s*INSERT INTO reconciliation/i, 'save reconciler'],
];

/** The statements whose rows a limit bounds. */
const limited: readonly (readonly [RegExp, LimitName])[] = [
  [/^\s*SELECT events\.\*, due\./i, 'deliveriesPerRelayRound'],
  [/^\s*SELECT view, key FROM projections WHERE recheck_at/i, 'keysToRecheckPerRun'],
  [/^\s*SELECT view, key, position FROM projections\s+WHERE \(view, key\) >/i, 'keysPerReconcilerSlice'],
  [/^\s*SELECT view, key FROM projections WHERE view = .* position > 0/is, 'orphansPerRebuildStep'],
  [/^\s*SELECT \* FROM events WHERE position > .* AND position <=/i, 'eventsPerRebuildStep'],
  [/^\s*INSERT INTO projections/i, 'keysPerBatch'],
  // The lists of the read models: their documents load one row more than a page has.
  [/^\s*select .* order by .* limit \?$/is, 'firstPageSize'],
];

/** The step that a statement belongs to, and the limit that it can reach. */
export function protocolOf(sql: string): { step: string | undefined; limit: LimitName | undefined } {
  return {
    step: steps.find(([pattern]) => pattern.test(sql))?.[1],
    limit: limited.find(([pattern]) => pattern.test(sql))?.[1],
  };
}
