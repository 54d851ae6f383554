import type { Caller } from '../../../src/access/caller';
import type { Queries } from '../../../src/domains';
import type { VerdictCode } from '../../../src/operations/key-schemas';
import type { Process } from '../process';
import { InvariantViolation } from '../violation';
import type { Credential } from './knowledge';
import type { Notebook } from './notebook';

/** What no document is when all work has been done: each of these says that something is still to come, or that nobody knows why. */
const restless: readonly VerdictCode[] = ['claimed', 'event-waits', 'event-dead', 'to-be-rechecked', 'different'];

/** How many documents an operator looks into at the end of a history. */
const looks = 8;

/**
 * An operator looks into some documents when all work has been done: what the inspection says must fit what it shows, and nothing
 * may be left to do.
 * @throws InvariantViolation
 */
export async function inspectAtRest(notebook: Notebook, { caller }: Credential): Promise<void> {
  const { platform } = notebook;
  const { d1, releases, world } = platform;
  // A version of the Worker may have left rows of read models that the other one does not know.
  const rows = d1
    .query<{ view: string; key: string }>('SELECT view, key FROM projections ORDER BY view, key')
    .map(({ view, key }) => ({ view: view.split('@')[0] ?? '', key }))
    .filter(({ view }) => releases.every(({ views }) => views.some(({ name }) => name === view)));
  for (let left = Math.min(looks, rows.length); left > 0; left--) {
    const row = world.pick(rows);
    if (!row) return;
    const { isSame, verdict } = await ask(notebook, caller, (queries) => queries.GetProjectedKey(row));
    notebook.count(`a document at rest is ${verdict.code}`);
    const fits = verdict.code !== 'up-to-date' || isSame;
    if (fits && !restless.includes(verdict.code)) continue;
    throw new InvariantViolation(world.seed, {
      expected: `nothing is left to do for the document ${row.view} ${row.key}`,
      found: `${verdict.code}: ${verdict.detail}`,
    });
  }
}

/** How many decisions about dead letters an operator reads at the end of a history. */
const decisionsRead = 5;

/**
 * An operator reads what became of the last decisions about dead letters when all work has been done: nothing waits any more.
 * @throws InvariantViolation
 */
export async function readDecisionsAtRest(notebook: Notebook, { caller }: Credential): Promise<void> {
  const { d1, world } = notebook.platform;
  const decisions = d1.query<{ version: number }>(
    `SELECT version FROM events WHERE stream_type = 'dead-letters' ORDER BY version DESC LIMIT ${decisionsRead}`,
  );
  for (const { version: decision } of decisions) {
    const { action, counts } = await ask(notebook, caller, (queries) => queries.GetDeadLetterDecision({ decision }));
    notebook.count(`a decision at rest: ${action}`);
    for (const [state, letters] of Object.entries(counts)) if (letters > 0) notebook.count(`letters at rest: ${state}`);
    const isSettled = action === 'replayed' ? counts.waiting === 0 : counts.waiting + counts.dead + counts.done === 0;
    if (isSettled) continue;
    throw new InvariantViolation(world.seed, {
      expected: `nothing waits of the dead letters that were ${action} by the decision ${decision}`,
      found: JSON.stringify(counts),
    });
  }
}

/** Asks a query in the name of an operator. */
function ask<Answer>(
  notebook: Notebook,
  caller: Credential['caller'],
  run: (queries: Queries) => Promise<Answer>,
): Promise<Answer> {
  const look = (client: Process) =>
    notebook.platform.request('read', client, ({ services }) =>
      run(services.bindQueries({ caller: () => caller as Caller, token: () => undefined })),
    );
  return new Promise((resolve, reject) => notebook.start((client) => look(client).then(resolve, reject)));
}
