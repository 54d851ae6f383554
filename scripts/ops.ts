// The operations API from the command line.
import { Presets, SingleBar } from 'cli-progress';
import type { Client } from '../src/client';
import { type Subscription, subscriptions } from '../src/cqrs/log/event';
import type { Readiness, WaitingDelivery } from '../src/operations/schemas';
import { readOptions, readWholeNumber, refuse } from './command-line';
import { failOfApi, url, withAdminSession } from './local';
import { type CommandName, faults, usage } from './ops-usage';
import { block, count, formatTable } from './table';

const { positionals, values } = readOptions(usage, {
  allowPositionals: true,
  options: {
    all: { type: 'boolean', default: false },
    subscription: { type: 'string' },
    fault: { type: 'string' },
    stream: { type: 'string' },
    actor: { type: 'string' },
    command: { type: 'string' },
    request: { type: 'string' },
    limit: { type: 'string' },
  },
});
type Option = keyof typeof values;

/** What the lists of deliveries and of dead letters have in common. */
type Delivery = Omit<WaitingDelivery, 'nextSendAt'>;

/** The options that were given, as they go into a query. */
function given<Name extends Option>(...names: Name[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (values[name] ? [[name, String(values[name])]] : [])));
}

async function ready() {
  // 503 is a valid result here, so the client with its retries is not used.
  const response = await fetch(`${url}/v1/health/ready`);
  const isReport = response.headers.get('Content-Type')?.startsWith('application/json');
  console.log(isReport ? describeReadiness(await response.json()) : await describeRefusal(response));
  if (!response.ok) process.exitCode = 1;
}

function describeReadiness({ status, issues }: Readiness): string {
  const [first = '', ...rest] = status;
  return [`${first.toUpperCase()}${rest.join('')}.`, ...issues.map(({ code, detail }) => `  ${code}: ${detail}`)].join(
    '\n',
  );
}

/** The API says to everybody only that its configuration is wrong; what is wrong with it, it says in its log. */
async function describeRefusal(response: Response): Promise<string> {
  const { code, detail } = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
  const where =
    code === 'http.configuration' ? '\nThe log event configuration.unusable names each wrong variable.' : '';
  return `Not ready: ${detail ?? `HTTP ${response.status}`}${where}`;
}

async function projections({ api }: Client) {
  const { data, lagTargetSeconds, position, reconciliation } = await (await api.operations.projections.$get()).json();
  console.log(`The event log is at ${position}. Lags are in seconds: now, and of the events of the last hour.`);
  console.log(`The target is ${lagTargetSeconds} seconds.\n`);
  console.log(
    formatTable(
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
    ),
  );
  const { documents, keys } = reconciliation;
  console.log(`\nThe reconciler last finished its round of all documents: ${documents.finishedAt ?? 'not yet'}`);
  console.log(`and its round of all keys of KV: ${keys.finishedAt ?? 'not yet'}`);
  for (const { view, failedKeys, failures, lastError } of data) {
    if (lastError !== null) console.log(`\n${view}: an event waits because of ${lastError}.`);
    if (failedKeys === 0) continue;
    console.log(`\n${view}: ${count(failedKeys, 'key')} cannot be projected; the first are:`);
    console.log(
      formatTable(
        ['error', 'key'],
        failures.map(({ key, error }) => [error, key]),
      ),
    );
  }
}

async function metrics({ api }: Client) {
  console.log((await (await api.operations.metrics.$get()).text()).trimEnd());
}

async function rebuild(client: Client, view: string) {
  const { projections } = client.api.operations;
  const { data } = await (await projections.$get()).json();
  const names = data.map((row) => row.view);
  // A name that no address can have gets a refusal that says nothing about read models.
  if (!names.includes(view)) throw new Error(`There is no read model ${view}. Choose from ${names.join(', ')}.`);
  const started = await projections[':view'].rebuild.$post({ param: { view } });
  await watchRebuild(client, (await started.json()).id);
}

async function watchRebuild({ api }: Client, id: string) {
  const bar = new SingleBar(
    { format: '{bar} {percentage}% | event {value} of {total} | {keys} keys', noTTYOutput: true },
    Presets.shades_classic,
  );
  bar.start(1, 0, { keys: 0 });
  for (;;) {
    const { failedKeys, keys, lastError, progress, status, target } = await (
      await api.operations.rebuilds[':id'].$get({ param: { id } })
    ).json();
    bar.setTotal(target);
    bar.update(Math.round(progress * target), { keys });
    if (status === 'running') {
      await new Promise((resolve) => setTimeout(resolve, 500));
      continue;
    }
    bar.stop();
    console.log(
      `The rebuild ${id} is ${status}: ${count(keys, 'key')}.${lastError === null ? '' : ` Its last error: ${lastError}`}`,
    );
    if (failedKeys > 0) console.log(`${count(failedKeys, 'key')} failed: npm run ops -- projections lists them.`);
    if (status !== 'done') process.exitCode = 1;
    return;
  }
}

async function rebuilds({ api }: Client) {
  const { data } = await (await api.operations.rebuilds.$get()).json();
  if (data.length === 0) return console.log('There were none.');
  const blocks = data.map(({ id, view, status, progress, target, keys, failedKeys, lastError, startedAt }) =>
    block(id, [
      ['read model', view],
      ['status', `${status}, ${Math.round(progress * 100)} % of ${count(target, 'event')}, since ${startedAt}`],
      ['keys', `${keys}, and ${failedKeys} failed`],
      ['last error', lastError ?? 'none'],
    ]),
  );
  console.log(blocks.join('\n\n'));
}

async function erasures({ api }: Client) {
  const { data } = await (await api.operations.erasures.$get()).json();
  if (data.length === 0) return console.log('There are none.');
  const blocks = data.map(({ userId, steps, rows, attempts, lastError, startedAt, progressedAt }) =>
    block(userId, [
      ['deleted', startedAt],
      ['erased', `${count(rows, 'row')} in ${count(steps, 'step')}, the last one at ${progressedAt}`],
      ['failures', `${attempts} since then`],
      ['last error', lastError ?? 'none'],
    ]),
  );
  console.log(blocks.join('\n\n'));
}

async function cancelRebuild({ api }: Client, id: string) {
  await api.operations.rebuilds[':id'].cancel.$post({ param: { id } });
  console.log(`The rebuild ${id} is cancelled. The documents that it made stay, and are current.`);
}

/** What an operator needs of a delivery. */
function describe(delivery: Delivery, parts: readonly (readonly [string, string])[]): string {
  const { attempts, firstFailedAt, id, lastError, lastFailedAt, occurredAt, requestId, streamId, streamType, type } =
    delivery;
  const failed =
    attempts === 0 ? 'never' : `${count(attempts, 'time')}, from ${firstFailedAt ?? '?'} to ${lastFailedAt ?? '?'}`;
  return block(id, [
    ['event', `${type} of ${streamType}/${streamId} at ${occurredAt}`],
    ['error', lastError ?? 'none'],
    ['failed', failed],
    ...parts,
    ['request', requestId ?? 'unknown'],
  ]);
}

async function deliveries({ api }: Client) {
  const query = given('subscription', 'limit');
  const { data } = await (await api.operations.deliveries.$get({ query })).json();
  if (data.length === 0) return console.log('Nothing waits.');
  const tried = (delivery: (typeof data)[number]) => [
    ['sent again', `${count(delivery.sends, 'time')}; the next time from ${delivery.nextSendAt} on`] as const,
  ];
  console.log(data.map((delivery) => describe(delivery, tried(delivery))).join('\n\n'));
}

async function deadLetters({ api }: Client) {
  const query = given('subscription', 'fault', 'limit');
  const { data } = await (await api.operations['dead-letters'].$get({ query })).json();
  if (data.length === 0) return console.log('There are none.');
  console.log(data.map((letter) => describe(letter, [['fault', letter.fault]])).join('\n\n'));
}

async function replay({ api }: Client, id: string | undefined) {
  const letters = api.operations['dead-letters'];
  const response = id
    ? await letters[':id'].replay.$post({ param: { id } })
    : await letters.replay.$post({ json: given('subscription', 'fault') });
  const result = await response.json();
  const left = result.remaining > 0 ? ` ${result.remaining} are left: repeat the command.` : '';
  console.log(`Sent again: ${count(result.count, 'dead letter')}.${left}`);
}

async function discard({ api }: Client, id: string) {
  await api.operations['dead-letters'][':id'].$delete({ param: { id } });
  console.log(`The dead letter ${id} is given up. Its event stays in the log.`);
}

async function events({ api }: Client) {
  const query = given('stream', 'actor', 'command', 'request', 'limit');
  const { data } = await (await api.operations.events.$get({ query })).json();
  if (data.length === 0) return console.log('There are none.');
  const blocks = data.map(({ position, occurredAt, type, streamType, streamId, actorId, requestId }) =>
    block(`${position} ${type} at ${occurredAt}`, [
      ['stream', `${streamType}/${streamId}`],
      ['actor', actorId ?? 'nobody'],
      ['request', requestId ?? 'unknown'],
    ]),
  );
  console.log(blocks.join('\n\n'));
}

/** What each command takes beside its name. `run` gets the argument; `all` is the option that replaces it. */
interface Command {
  argument?: string;
  /** What an ID looks like: the API has no address for another one. */
  id?: { form: RegExp; example: string };
  all?: boolean;
  options?: readonly Option[];
  run(client: Client, argument: string): Promise<unknown>;
}

const rebuildId = { form: /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i, example: 'as `rebuilds` lists them' };
const letterId = { form: new RegExp(`^\\d+-(${subscriptions.join('|')})$`), example: 'such as 7-emails' };

const commands: Readonly<Record<Exclude<CommandName, 'ready'>, Command>> = {
  projections: { run: projections },
  metrics: { run: metrics },
  rebuild: { argument: 'VIEW', run: rebuild },
  rebuilds: { run: rebuilds },
  'cancel-rebuild': { argument: 'ID', id: rebuildId, run: cancelRebuild },
  erasures: { run: erasures },
  deliveries: { options: ['subscription', 'limit'], run: deliveries },
  'dead-letters': { options: ['subscription', 'fault', 'limit'], run: deadLetters },
  replay: {
    argument: 'ID',
    id: letterId,
    all: true,
    options: ['subscription', 'fault'],
    run: (client, id) => replay(client, values.all ? undefined : id),
  },
  discard: { argument: 'ID', id: letterId, run: discard },
  events: { options: ['stream', 'actor', 'command', 'request', 'limit'], run: events },
};

/** Ends the program for what the command does not take, before anything is sent. */
function requireArguments(
  name: string,
  { argument, id, all = false, options = [] }: Command,
  given: readonly string[],
) {
  const allowed: readonly Option[] = [...options, ...(all ? (['all'] as const) : [])];
  const used = Object.entries(values).filter(([, value]) => value !== false);
  const wrong = used.find(([option]) => !allowed.some((known) => known === option));
  if (wrong) refuse(`${name} does not take --${wrong[0]}.`, usage);
  const expected = argument === undefined || values.all ? 0 : 1;
  // An empty text is a shell variable that has no value, and would stand for everything.
  const empty = used.find(([, value]) => value === '');
  if (empty) refuse(`--${empty[0]} needs a value.`, usage);
  if (expected === 1 && !given[0]) refuse(`${name} needs ${argument}${all ? ' or --all' : ''}.`, usage);
  if (given.length > expected) refuse(`${name} does not take "${given[expected]}".`, usage);
  if (expected === 1 && id && !id.form.test(`${given[0]}`))
    refuse(`${name} needs an ID, ${id.example}, not "${given[0]}".`, usage);
  if (values.subscription !== undefined && !subscriptions.includes(values.subscription as Subscription))
    refuse(`--subscription must be one of ${subscriptions.join(', ')}, not "${values.subscription}".`, usage);
  if (values.fault !== undefined && !faults.some((fault) => fault === values.fault))
    refuse(`--fault must be one of ${faults.join(', ')}, not "${values.fault}".`, usage);
  if (values.stream !== undefined && !/^[^/]+\/[^/]+$/.test(values.stream))
    refuse(`--stream must be TYPE/ID, such as order/ID, not "${values.stream}".`, usage);
  if (values.limit !== undefined) readWholeNumber('--limit', values.limit, usage, 100);
}

function isCommand(name: string): name is keyof typeof commands {
  return Object.hasOwn(commands, name);
}

async function main([name, ...rest]: readonly string[]): Promise<void> {
  if (name === undefined) refuse('Name a command.', usage);
  if (name === 'ready') {
    requireArguments(name, { run: ready }, rest);
    return ready();
  }
  if (!isCommand(name)) refuse(`There is no command "${name}".`, usage);
  const command = commands[name];
  requireArguments(name, command, rest);
  await withAdminSession((client) => command.run(client, rest[0] ?? ''));
}

await main(positionals).catch(failOfApi);
