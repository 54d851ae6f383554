// The commands about read models and their rebuilds.
import { Presets, SingleBar } from 'cli-progress';
import { block, count, formatTable } from '../table';
import { type Context, command, type Group } from './command';
import { anyText, id } from './parameters';

const projections = command({
  says: 'how far each read model is, and which keys fail',
  async run({ api }) {
    const json = await (await api.operations.projections.$get()).json();
    const { data, lagTargetSeconds, position, reconciliation } = json;
    const table = formatTable(
      ['read model', 'position', 'behind', 'lag', 'p50', 'p99', 'target', 'keys', 'recheck', 'failed'],
      data.map((row) => [
        row.view,
        row.position,
        row.lagEvents,
        row.lagSeconds,
        row.lagP50Seconds?.toFixed(1),
        row.lagP99Seconds?.toFixed(1),
        row.isWithinTarget ? 'met' : 'missed',
        row.keys,
        row.keysToRecheck,
        row.failedKeys,
      ]),
    );
    const { documents, keys } = reconciliation;
    const parts = [
      `The event log is at ${position}. Lags are in seconds: now, and of the events of the last hour.
The target is ${lagTargetSeconds} seconds. The p99 counts from 100 events on.`,
      table,
      `The reconciler last finished its round of all documents: ${documents.finishedAt ?? 'not yet'}
and its round of all keys of KV: ${keys.finishedAt ?? 'not yet'}`,
      ...data.flatMap(describeFailures),
    ];
    return { json, text: parts.join('\n\n') };
  },
});

interface Failing {
  view: string;
  failedKeys: number;
  failures: readonly { key: string; error: string }[];
  lastError: string | null;
}

function describeFailures({ view, failedKeys, failures, lastError }: Failing): string[] {
  const waiting = lastError === null ? [] : [`${view}: an event waits because of ${lastError}.`];
  if (failedKeys === 0) return waiting;
  const table = formatTable(
    ['error', 'key'],
    failures.map(({ key, error }) => [error, key]),
  );
  return [...waiting, `${view}: ${count(failedKeys, 'key')} cannot be projected; the first are:\n${table}`];
}

const rebuild = command({
  says: 'rebuild a read model, and watch it',
  takes: { view: anyText('VIEW', 'the read model; `projections` names them') },
  async run(context, { view }) {
    const { projections } = context.api.operations;
    const { data } = await (await projections.$get()).json();
    const names = data.map((row) => row.view);
    // A name that no address can have gets a refusal that says nothing about read models.
    if (!names.includes(view)) throw new Error(`There is no read model ${view}. Choose from ${names.join(', ')}.`);
    const started = await projections[':view'].rebuild.$post({ param: { view } });
    return watchRebuild(context, (await started.json()).id);
  },
});

async function watchRebuild({ api }: Context, id: string) {
  // The bar is written to the standard error, beside what `--json` prints.
  const bar = new SingleBar(
    { format: '{bar} {percentage}% | event {value} of {total} | keys: {keys}', noTTYOutput: true },
    Presets.shades_classic,
  );
  bar.start(1, 0, { keys: 0 });
  for (;;) {
    const json = await (await api.operations.rebuilds[':id'].$get({ param: { id } })).json();
    const { failedKeys, keys, lastError, progress, status, target } = json;
    bar.setTotal(target);
    bar.update(Math.round(progress * target), { keys });
    if (status === 'running') {
      await new Promise((resolve) => setTimeout(resolve, 500));
      continue;
    }
    bar.stop();
    const error = lastError === null ? '' : ` Its last error: ${lastError}`;
    const failed = failedKeys > 0 ? `\n${count(failedKeys, 'key')} failed: npm run ops -- projections lists them.` : '';
    const text = `The rebuild ${id} is ${status}: ${count(keys, 'key')}.${error}${failed}`;
    return { json, text, hasFailed: status !== 'done' };
  }
}

const rebuilds = command({
  says: 'the latest rebuilds',
  async run({ api }) {
    const json = await (await api.operations.rebuilds.$get()).json();
    const blocks = json.data.map(({ id, view, status, progress, target, keys, failedKeys, lastError, startedAt }) =>
      block(id, [
        ['read model', view],
        ['status', `${status}, ${Math.round(progress * 100)} % of ${count(target, 'event')}, since ${startedAt}`],
        ['keys', `${keys}, and ${failedKeys} failed`],
        ['last error', lastError ?? 'none'],
      ]),
    );
    return { json, text: blocks.join('\n\n') || 'There were none.' };
  },
});

const cancelRebuild = command({
  says: 'stop a rebuild',
  takes: { id: id('the rebuild, as `rebuilds` lists it') },
  async run({ api }, { id }) {
    const json = await (await api.operations.rebuilds[':id'].cancel.$post({ param: { id } })).json();
    return { json, text: `The rebuild ${id} is cancelled. The documents that it made stay, and are current.` };
  },
});

export const readModels = { projections, rebuild, rebuilds, 'cancel-rebuild': cancelRebuild } satisfies Group;
