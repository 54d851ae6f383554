// The operations API from the command line.
import { Presets, SingleBar } from 'cli-progress';
import type { Client } from '../src/client';
import { type Subscription, subscriptions } from '../src/cqrs/log/event';
import type { WaitingDelivery } from '../src/operations/schemas';
import { readOptions, readWholeNumber, refuse } from './command-line';
import { failOfApi, url, withAdminSession } from './local';
import { type CommandName, faults, usage } from './ops-usage';

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
  console.log(await response.json());
  if (!response.ok) process.exitCode = 1;
}

async function projections({ api }: Client) {
  const { data, position } = await (await api.operations.projections.$get()).json();
  console.log(`The event log is at ${position}.`);
  console.table(Object.fromEntries(data.map(({ view, failures: _, ...row }) => [view, row])));
  for (const { view, failedKeys, failures } of data.filter(({ failedKeys }) => failedKeys > 0)) {
    console.log(`${view}: ${failedKeys} keys fail; the first of them are:`);
    console.table(Object.fromEntries(failures.map(({ key, error }) => [key, { error }])));
  }
}

async function metrics({ api }: Client) {
  console.log((await (await api.operations.metrics.$get()).text()).trimEnd());
}

async function rebuild(client: Client, view: string) {
  const started = await client.api.operations.projections[':view'].rebuild.$post({ param: { view } });
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
      `The rebuild ${id} is ${status}: ${keys} keys.${lastError === null ? '' : ` Its last error: ${lastError}`}`,
    );
    if (failedKeys > 0) console.log(`${failedKeys} keys fail: npm run ops -- projections lists them.`);
    if (status !== 'done') process.exitCode = 1;
    return;
  }
}

async function rebuilds({ api }: Client) {
  const { data } = await (await api.operations.rebuilds.$get()).json();
  if (data.length === 0) return console.log('There were none.');
  console.table(Object.fromEntries(data.map(({ id, ...row }) => [id, row])));
}

async function cancelRebuild({ api }: Client, id: string) {
  await api.operations.rebuilds[':id'].cancel.$post({ param: { id } });
  console.log(`The rebuild ${id} is cancelled. The documents that it made stay, and are current.`);
}

const times = (count: number) => `${count} ${count === 1 ? 'time' : 'times'}`;

/** What an operator needs of a delivery, in a line for each part: a table of it is wider than a screen. */
function describe(delivery: Delivery, parts: readonly (readonly [string, string])[]): string {
  const { attempts, firstFailedAt, id, lastError, lastFailedAt, occurredAt, requestId, streamId, streamType, type } =
    delivery;
  const failed =
    attempts === 0 ? 'never' : `${times(attempts)}, from ${firstFailedAt ?? '?'} to ${lastFailedAt ?? '?'}`;
  const lines = [
    ['event', `${type} of ${streamType}/${streamId} at ${occurredAt}`],
    ['error', lastError ?? 'none'],
    ['failed', failed],
    ...parts,
    ['request', requestId ?? 'unknown'],
  ];
  return [id, ...lines.map(([name, text]) => `  ${`${name}:`.padEnd(12)}${text}`)].join('\n');
}

async function deliveries({ api }: Client) {
  const query = given('subscription', 'limit');
  const { data } = await (await api.operations.deliveries.$get({ query })).json();
  if (data.length === 0) return console.log('Nothing waits.');
  const tried = (delivery: (typeof data)[number]) => [
    ['sent again', `${times(delivery.sends)}; the next time at ${delivery.nextSendAt}`] as const,
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
  console.log('Sent again:', await response.json());
}

async function discard({ api }: Client, id: string) {
  await api.operations['dead-letters'][':id'].$delete({ param: { id } });
  console.log(`The dead letter ${id} is given up. Its event stays in the log.`);
}

async function events({ api }: Client) {
  const query = given('stream', 'actor', 'command', 'request', 'limit');
  const { data } = await (await api.operations.events.$get({ query })).json();
  if (data.length === 0) return console.log('There are none.');
  console.table(
    data.map(({ position, occurredAt, type, streamType, streamId, actorId, requestId }) => {
      const stream = `${streamType}/${streamId}`;
      return { position, occurredAt, type, stream, actorId, requestId };
    }),
  );
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
