// The commands about the system as a whole.
import type { Readiness } from '../../src/operations/schemas';
import { block } from '../table';
import { type Context, command, type Group } from './command';
import { findNames } from './names';
import { anyText, id, page, textOf } from './parameters';

function describeReadiness({ status, issues }: Readiness): string {
  const [first = '', ...rest] = status;
  const lines = issues.flatMap(({ code, detail, remedy }) => [`  ${code}: ${detail}`, `    ${remedy}`]);
  return [`${first.toUpperCase()}${rest.join('')}.`, ...lines].join('\n');
}

/** The API says to everybody only that its configuration is wrong; what is wrong with it, it says in its log. */
function describeRefusal(status: number, { code, detail }: { code?: string; detail?: string }): string {
  const where =
    code === 'http.configuration' ? '\nThe log event configuration.unusable names each wrong variable.' : '';
  return `Not ready: ${detail ?? `HTTP ${status}`}${where}`;
}

const ready = command({
  says: 'what keeps the system from being ready; exits with 1 if it is not',
  isPublic: true,
  async run({ url }: Context) {
    // 503 is a valid result here, so the client with its retries is not used.
    const response = await fetch(`${url}/v1/health/ready`);
    const isReport = response.headers.get('Content-Type')?.startsWith('application/json');
    const json = await response.json().catch(() => ({}));
    const text = isReport ? describeReadiness(json as Readiness) : describeRefusal(response.status, json as object);
    return { json, text, hasFailed: !response.ok };
  },
});

const metrics = command({
  says: 'figures in the text format of Prometheus',
  isText: true,
  async run({ api }) {
    return { json: undefined, text: (await (await api.operations.metrics.$get()).text()).trimEnd() };
  },
});

const erasures = command({
  says: 'deleted accounts of which something is left, and how far their erasure is',
  async run({ api }) {
    const json = await (await api.operations.erasures.$get()).json();
    const blocks = json.data.map(({ userId, steps, rows, attempts, lastError, startedAt, progressedAt }) =>
      block(userId, [
        ['deleted', startedAt],
        ['erased', `${rows} rows in ${steps} steps, the last one at ${progressedAt}`],
        ['failures', `${attempts} since then`],
        ['last error', lastError ?? 'none'],
      ]),
    );
    return { json, text: blocks.join('\n\n') || 'There are none.' };
  },
});

const stream = textOf('TYPE/ID', 'the events of one stream, such as order/ID', 'TYPE/ID, such as order/ID', (text) =>
  /^[^/]+\/[^/]+$/.test(text),
);

const events = command({
  says: 'the audit trail: the log of all events, newest first',
  options: {
    stream,
    actor: id('what one account caused'),
    command: anyText('ID', 'the events of one command'),
    request: anyText('ID', 'the events of one request, whose id is in its response'),
    type: anyText('TYPE', 'the events of one type, such as OrderPlaced'),
    ...page,
  },
  async run(context, query) {
    const json = await (await context.api.operations.events.$get({ query })).json();
    const nameOf = await findNames(
      context,
      json.data.map(({ actorId }) => actorId),
    );
    const blocks = json.data.map(({ position, occurredAt, type, streamType, streamId, actorId, requestId }) =>
      block(`${position} ${type} at ${occurredAt}`, [
        ['stream', `${streamType}/${streamId}`],
        ['actor', actorId ? nameOf(actorId) : 'nobody'],
        ['request', requestId ?? 'unknown'],
      ]),
    );
    return { json, text: blocks.join('\n\n') || 'There are none.' };
  },
});

export const system = { ready, metrics, erasures, events } satisfies Group;
