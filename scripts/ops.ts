// The operations API from the command line.
import { Presets, SingleBar } from 'cli-progress';
import type { Client } from '../src/client';
import { fail, readOptions } from './command-line';
import { signInAsAdmin, url } from './local';

const usage = `npm run ops -- COMMAND

  ready                             what keeps the system from being ready, if anything
  projections                       how far each read model is, and which keys fail
  rebuild VIEW                      rebuild a read model, and watch it
  rebuilds                          the latest rebuilds
  cancel-rebuild ID
  dead-letters [--subscription S]   list them, with error and attempts
  replay ID | --all                 replay a dead letter, or all (of a --subscription)
  discard ID
  events [--stream TYPE/ID] [--actor ID] [--command ID] [--request ID] [--limit N]

FRONTDESK_URL says where (http://localhost:8787), FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD as whom; both are
known for a local \`npm run dev\`.`;

const { positionals, values } = readOptions(usage, {
  allowPositionals: true,
  options: {
    all: { type: 'boolean', default: false },
    subscription: { type: 'string' },
    stream: { type: 'string' },
    actor: { type: 'string' },
    command: { type: 'string' },
    request: { type: 'string' },
    limit: { type: 'string' },
  },
});
const [command, target] = positionals;

function requireTarget(): string {
  return target ?? fail(`${command} needs an argument.`, usage);
}

/** The options that were given, as they go into a query. */
function given<Name extends keyof typeof values>(...names: Name[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (values[name] ? [[name, String(values[name])]] : [])));
}

async function watchRebuild({ api }: Client, id: string) {
  const bar = new SingleBar(
    { format: '{bar} {percentage}% | event {value} of {total} | {keys} keys', noTTYOutput: true },
    Presets.shades_classic,
  );
  bar.start(1, 0, { keys: 0 });
  for (;;) {
    const rebuild = await (await api.operations.rebuilds[':id'].$get({ param: { id } })).json();
    bar.setTotal(rebuild.target);
    bar.update(Math.round(rebuild.progress * rebuild.target), { keys: rebuild.keys });
    if (rebuild.status !== 'running') {
      bar.stop();
      console.log(rebuild.status, rebuild.lastError ?? '');
      if (rebuild.failedKeys > 0)
        console.log(`${rebuild.failedKeys} keys fail: npm run ops -- projections lists them.`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const commands: Record<string, (client: Client) => Promise<unknown>> = {
  async ready() {
    // 503 is a valid result here, so the client with its retries is not used.
    console.log(await (await fetch(`${url}/v1/health/ready`)).json());
  },
  async projections({ api }) {
    const { data, position } = await (await api.operations.projections.$get()).json();
    console.log(`The event log is at ${position}.`);
    console.table(Object.fromEntries(data.map(({ view, failures: _, ...row }) => [view, row])));
    for (const { view, failedKeys, failures } of data.filter(({ failedKeys }) => failedKeys > 0)) {
      console.log(`${view}: ${failedKeys} keys fail; the first of them are:`);
      console.table(Object.fromEntries(failures.map(({ key, error }) => [key, { error }])));
    }
  },
  async rebuild(client) {
    const view = requireTarget();
    const started = await client.api.operations.projections[':view'].rebuild.$post({ param: { view } });
    await watchRebuild(client, (await started.json()).id);
  },
  async rebuilds({ api }) {
    const { data } = await (await api.operations.rebuilds.$get()).json();
    console.table(Object.fromEntries(data.map(({ id, ...row }) => [id, row])));
  },
  async 'cancel-rebuild'({ api }) {
    await api.operations.rebuilds[':id'].cancel.$post({ param: { id: requireTarget() } });
  },
  async 'dead-letters'({ api }) {
    const query = given('subscription', 'limit');
    const { data } = await (await api.operations['dead-letters'].$get({ query })).json();
    if (data.length === 0) return console.log('There are none.');
    console.table(
      Object.fromEntries(
        data.map(({ id, type, streamId, attempts, lastError }) => [id, { type, streamId, attempts, lastError }]),
      ),
    );
  },
  async replay({ api }) {
    const letters = api.operations['dead-letters'];
    const json = given('subscription');
    const response = values.all
      ? await letters.replay.$post({ json })
      : await letters[':id'].replay.$post({ param: { id: requireTarget() } });
    console.log(await response.json());
  },
  async discard({ api }) {
    await api.operations['dead-letters'][':id'].$delete({ param: { id: requireTarget() } });
  },
  async events({ api }) {
    const query = given('stream', 'actor', 'command', 'request', 'limit');
    const { data } = await (await api.operations.events.$get({ query })).json();
    console.table(
      data.map(({ position, occurredAt, type, streamType, streamId, actorId, requestId }) => {
        const stream = `${streamType}/${streamId}`;
        return { position, occurredAt, type, stream, actorId, requestId };
      }),
    );
  },
};

if (command === undefined) fail('Name a command.', usage);
const run = commands[command];
if (run === undefined) fail(`There is no command "${command}".`, usage);
await signInAsAdmin().then(run).catch(fail);
