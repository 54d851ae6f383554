import type { limits } from '../../src/platform/limits';
import type { Bound } from './sqlite';
import type { Process } from './world';

type Limits = typeof limits;

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

const known = new Map<string, string | undefined>();

function stepOfSql(sql: string): string | undefined {
  if (!known.has(sql)) known.set(sql, steps.find(([pattern]) => pattern.test(sql))?.[1]);
  return known.get(sql);
}

/** What a process does with this batch. Other batches have the name of the process: a load, or a read. */
export function stepOf({ name }: Process, statements: readonly Bound[]): string {
  for (const { sql } of statements) {
    const step = stepOfSql(sql);
    if (step) return step;
  }
  return `other (${name})`;
}

/** The statements whose rows a limit bounds. */
const limited: readonly (readonly [RegExp, keyof Limits])[] = [
  [/^\s*SELECT events\.\*, due\./i, 'deliveriesPerRelayRound'],
  [/^\s*SELECT view, key FROM projections WHERE recheck_at/i, 'keysToRecheckPerRun'],
  [/^\s*SELECT view, key, position FROM projections\s+WHERE \(view, key\) >/i, 'keysPerReconcilerSlice'],
  [/^\s*SELECT view, key FROM projections WHERE view = .* position > 0/is, 'orphansPerRebuildStep'],
  [/^\s*SELECT \* FROM events WHERE position > .* AND position <=/i, 'eventsPerRebuildStep'],
  [/^\s*INSERT INTO projections/i, 'keysPerBatch'],
];

/** The limit that a statement has reached, by the number of its rows. */
export function limitReachedBy({ sql, params }: Bound, rows: number, limits: Limits): keyof Limits | undefined {
  const name = limited.find(([pattern]) => pattern.test(sql))?.[1];
  if (name !== undefined) return rows >= limits[name] ? name : undefined;
  // The lists of the read models: their documents load one row more than a page has.
  return params.at(-1) === limits.firstPageSize && rows === limits.firstPageSize ? 'firstPageSize' : undefined;
}
