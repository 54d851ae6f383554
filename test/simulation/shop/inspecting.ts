import type { Caller } from '../../../src/access/caller';
import type { ProjectedKey, VerdictCode } from '../../../src/operations/key-schemas';
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
    const look = (client: Process) =>
      platform.request('read', client, ({ services }) =>
        services.bindQueries({ caller: () => caller as Caller, token: () => undefined }).GetProjectedKey(row),
      );
    const { isSame, verdict } = await new Promise<ProjectedKey>((resolve, reject) =>
      notebook.start((client) => look(client).then(resolve, reject)),
    );
    notebook.count(`a document at rest is ${verdict.code}`);
    const fits = verdict.code !== 'up-to-date' || isSame;
    if (fits && !restless.includes(verdict.code)) continue;
    throw new InvariantViolation(world.seed, {
      expected: `nothing is left to do for the document ${row.view} ${row.key}`,
      found: `${verdict.code}: ${verdict.detail}`,
    });
  }
}
