import type { IssueCode } from './schemas';

/** What an operator does about each issue of the readiness check; docs/operations.md says more under the same codes. */
export const remedies: Readonly<Record<IssueCode, string>> = {
  'd1-unreachable':
    'Look at the status page of the platform and wait. What was committed is kept, and what waits is done afterwards. If an error names a missing table, apply the migrations.',
  'kv-unreachable':
    'Look at the status page of the platform and wait. The projections wait too, and are done by themselves a few minutes afterwards.',
  'deliveries-late':
    'Look at the events that wait. If they have an error, remove its cause. If they have none, a run that has died may hold the document of the oldest: inspect it. Otherwise check that the schedule runs and that the queue has a consumer.',
  'projections-slow':
    'Look at the events that wait, and inspect the document of the oldest: the inspector says why it is late. If nothing fails, the database or the queue is slow. If nothing waits any more, it is over, and this message ends within an hour. Raise LAG_TARGET_SECONDS if the target is tighter than you need.',
  'dead-letters':
    'Look at the groups of dead letters, remove the cause of their error, and replay them. Discard only what must never be done.',
  'erasures-stalled':
    'Look at the erasures for the account and its last error. Correct the row that cannot be read; the next step follows within a minute.',
};
