// The commands that look into one thing: a document, an event, the schedule, the queues.
import { printableJson } from '../printable';
import { block, formatTable, minute } from '../table';
import { type Context, command, type Group } from './command';
import { anyText } from './parameters';

const takes = {
  view: anyText('VIEW', 'the read model; `projections` names them'),
  key: anyText('KEY', 'the id of the thing or of the owner of a list, or `all`'),
};

async function look({ api }: Context, param: { view: string; key: string }) {
  const json = await (await api.operations.projections[':view'].keys[':key'].$get({ param })).json();
  const { database, deliveries, kv, row, verdict } = json;
  const of = kv.document;
  const text = block(`${json.view} ${json.key} is ${verdict.code}`, [
    ['why', verdict.detail],
    ['KV', of ? `${kv.state}: version ${of.version}, as of ${of.asOf}, put at ${of.projectedAt}` : kv.state],
    ['database', database.error ?? (database.document ? `version ${database.document.version}` : 'has none')],
    ['same', json.isSame ? 'yes' : 'no'],
    ['projected', row ? `up to position ${row.position} of ${json.logPosition}` : 'never'],
    ['open work', deliveries.map(({ id, status }) => `${id} (${status})`).join(', ') || 'none'],
  ]);
  return { json, text };
}

const inspect = command({
  says: 'why a document is or is not up to date',
  takes,
  run: (context, param) => look(context, param),
});

const project = command({
  says: 'project a document now, and look into it',
  takes,
  async run(context, param) {
    await context.api.operations.projections[':view'].keys[':key'].project.$post({ param });
    return look(context, param);
  },
});

const event = command({
  says: 'an event: its data, what it touches, and what it caused',
  takes: { position: anyText('POSITION', 'its position in the log, as `events` lists it') },
  async run({ api }, param) {
    const json = await (await api.operations.events[':position'].$get({ param })).json();
    const { event, related, documents, work, caused } = json;
    const name = ({ position, type }: typeof event) => `${position} ${type}`;
    const text = block(`${name(event)} at ${event.occurredAt}`, [
      ['stream', `${event.streamType}/${event.streamId}`],
      ['actor', event.actorId ?? 'nobody'],
      ['data', printableJson(event.data)],
      ['related', related.map(name).join(', ') || 'none'],
      ['documents', documents.map(({ view, key }) => `${view} ${key}`).join(', ') || 'none'],
      ['work', work.map(({ subscription, state }) => `${subscription}: ${state}`).join(', ') || 'none'],
      ['caused', caused.map(name).join(', ') || 'nothing later'],
    ]);
    return { json, text };
  },
});

const schedule = command({
  says: 'when each task of the schedule last ran, and whether it failed',
  async run({ api }) {
    const json = await (await api.operations.schedule.$get()).json();
    const table = formatTable(
      ['task', 'started', 'ms', 'outcome', 'last success', 'error'],
      json.data.map(({ task, startedAt, durationMs, outcome, succeededAt, error }) => {
        return [task, minute(startedAt), durationMs, outcome, succeededAt && minute(succeededAt), error];
      }),
    );
    return { json, text: json.data.length === 0 ? 'It has not run yet.' : table };
  },
});

const queues = command({
  says: 'what waits in each queue',
  async run({ api }) {
    const json = await (await api.operations.queues.$get()).json();
    const table = formatTable(
      ['queue', 'waiting', 'oldest (s)', 'dead', 'messages'],
      json.data.map(({ queue, deliveries, backlog }) => {
        return [queue, deliveries?.pending, deliveries?.oldestSeconds, deliveries?.dead, backlog?.messages];
      }),
    );
    return { json, text: table };
  },
});

export const inspection = { inspect, project, event, schedule, queues } satisfies Group;
