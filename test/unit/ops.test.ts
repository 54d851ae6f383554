import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { WrongUsage } from '../../scripts/command-line';
import { describeFailure } from '../../scripts/failures';
import { commands, groups } from '../../scripts/ops/commands';
import { parseCall } from '../../scripts/ops/parse';
import { runOps, type Surroundings } from '../../scripts/ops/run';
import { helpOn } from '../../scripts/ops/usage';
import { createClient, type ProblemError } from '../../src/client';

const url = 'https://api.example';
const id = '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11';
const names = [...commands.keys()];

/** What a call reads, for the arguments and options of a command. */
function valuesOf(...argv: string[]) {
  const call = parseCall(argv);
  if (!('values' in call)) throw new Error('This asks for help.');
  return call.values;
}

/** Answers of an API that is not there: the client that reads them is the real one. */
const answering = (status: number, body: unknown, type = 'application/json') =>
  createClient(url, {
    tries: 1,
    fetch: async () => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': type } }),
  });

/** Runs a command line whose API gives one answer, and keeps what is printed. */
async function run(argv: readonly string[], client = answering(200, { data: [] }), at = url) {
  const printed = { out: [] as string[], err: [] as string[] };
  const surroundings: Surroundings = {
    url: at,
    client,
    withSession: async (work) => void (await work(client)),
    out: (text) => printed.out.push(text),
    err: (text) => printed.err.push(text),
  };
  const code = await runOps(argv, surroundings);
  return { code, out: printed.out.join('\n'), err: printed.err.join('\n') };
}

describe('npm run ops shows names beside ids (product 12.1)', () => {
  const other = '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b12';
  const total = { amount: 1, currency: 'EUR' };
  const order = { number: 1001, status: 'placed', total, lineCount: 1, createdAt: '2026-01-01T00:00:00.000Z' };
  const orders = [id, other, id, null].map((customerId) => ({ ...order, customerId }));

  /** An API that knows one account, and refuses what is asked about others with a status. */
  function knowing(status: number) {
    const asked: string[] = [];
    const fetch = async (input: RequestInfo | URL) => {
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      if (!pathname.startsWith('/v1/users/')) return Response.json({ data: orders, nextCursor: null, total: 4 });
      asked.push(pathname);
      if (pathname.endsWith(id)) return Response.json({ name: 'Ada Byron' });
      return Response.json({ status, code: 'users.not-found', detail: 'No.' }, { status });
    };
    return { asked, client: createClient(url, { tries: 1, fetch }) };
  }

  test.each([403, 404])('and the id alone where the API refuses the name with %i', async (status) => {
    const { asked, client } = knowing(status);
    const { code, out } = await run(['orders', 'list'], client);
    expect(code).toBe(0);
    expect(out.match(new RegExp(`Ada Byron \\(${id}\\)`, 'g'))).toHaveLength(2);
    expect(out).toContain(other);
    expect(asked.toSorted()).toEqual([`/v1/users/${id}`, `/v1/users/${other}`]);
  });

  test('and tells of an API that is away', async () => {
    expect((await run(['orders', 'list'], knowing(503).client)).code).toBe(3);
  });
});

test('the help on each command says in whose name it runs', () => {
  for (const name of names)
    expect(helpOn(name.split(' ')).includes('FRONTDESK_TOKEN')).toBe(!commands.get(name)?.isPublic);
});

describe('npm run ops reads', () => {
  test('an order by its short number or its id', () => {
    for (const number of ['1001', '#1001'])
      expect(valuesOf('orders', 'ship', number)).toEqual({ order: { number: 1001 } });
    expect(valuesOf('orders', 'ship', id)).toEqual({ order: { id } });
  });

  test('an account by its e-mail address in any case, by its id, or as `me`', () => {
    expect(valuesOf('users', 'show', 'Ada@Example.com')).toEqual({ user: { email: 'ada@example.com' } });
    expect(valuesOf('users', 'show', id)).toEqual({ user: { id } });
    expect(valuesOf('users', 'show', 'me')).toEqual({ user: 'me' });
  });

  test('options before and after the arguments, and words that are values of options as such', () => {
    const values = { limit: 5, status: 'placed', customer: undefined, cursor: undefined, order: undefined };
    expect(valuesOf('--limit', '5', 'orders', 'list', '--status=placed')).toEqual(values);
  });

  test('a dead letter, or the flag that stands for all of them', () => {
    const rest = { subscription: undefined, fault: undefined, error: undefined };
    expect(valuesOf('replay', '7-emails')).toEqual({ letters: ['7-emails'], all: false, ...rest });
    expect(valuesOf('discard', '7-emails,8-events')).toMatchObject({ letters: ['7-emails', '8-events'] });
    expect(valuesOf('replay', '--all')).toEqual({ all: true, ...rest });
  });
});

describe('wrong calls of npm run ops (product 12.1)', () => {
  test.each([
    [[], 'Name a command.'],
    [['constructor'], 'There is no command "constructor".'],
    [['orders'], 'orders needs one of list, show, ship, deliver, cancel.'],
    [['orders', 'send'], 'There is no command "orders send". orders has list, show, ship, deliver, cancel.'],
    [['rebuild'], 'rebuild needs VIEW.'],
    [['replay'], 'replay needs ID[,ID] or --all.'],
    [['replay', ''], 'replay needs ID[,ID] or --all.'],
    [['replay', '--all', '7-emails'], 'replay does not take "7-emails".'],
    [['discard', 'a-letter'], 'ID[,ID] must be the ID of a dead letter, such as 7-emails, not "a-letter".'],
    [['discard', '7-emails,8'], 'ID[,ID] must be the ID of a dead letter, such as 7-emails, not "7-emails,8".'],
    [['discard', '--everything'], "Unknown option '--everything'."],
    [['inspect', 'ticket'], 'inspect needs KEY.'],
    [['events', '--stream', ''], '--stream needs a value.'],
    [['events', '--stream', 'foo'], '--stream must be TYPE/ID, such as order/ID, not "foo".'],
    [['events', '--what'], "Unknown option '--what'."],
    [['metrics', 'all'], 'metrics does not take "all".'],
    [['dead-letters', '--limit', '101'], '--limit must be a whole number from 1 to 100, not "101".'],
    [['dead-letters', '--limit', '1e1'], '--limit must be a whole number from 1 to 100, not "1e1".'],
    [
      ['dead-letters', '--subscription', 'mails'],
      '--subscription must be one of projections, emails, events, not "mails".',
    ],
    [['orders', 'ship', '0'], 'ORDER must be the number of an order, such as 1001, or its ID, not "0".'],
    [['orders', 'ship', '1001', '1002'], 'orders ship does not take "1002".'],
    [['orders', 'list', '--status', 'open'], /^--status must be one of placed, shipped, .*, not "open"\.$/],
    [['users', 'role', 'ada', 'agent'], 'USER must be an e-mail address, an ID or `me`, not "ada".'],
    [['tickets', 'assign', id, 'ada'], 'USER must be an e-mail address, an ID, `me` or `none`, not "ada".'],
    [['users', 'role', 'me', 'owner'], 'ROLE must be one of customer, agent, admin, not "owner".'],
    [['tickets', 'reply', id, ' '], 'TEXT must be a text, not " ".'],
    [['tickets', 'show', '../orders'], 'ID must be an ID, not "../orders".'],
  ])('%j says what is wrong with it, sends nothing, and ends with 2', async (argv, reason: string | RegExp) => {
    const client = createClient(url, { fetch: () => Promise.reject(new Error('This was sent.')) });
    const { code, out, err } = await run(argv, client);
    const [first, ...rest] = err.split('\n');
    if (typeof reason === 'string') expect(first).toBe(reason);
    else expect(first).toMatch(reason);
    expect({ code, out, rest }).toEqual({ code: 2, out: '', rest: ['See `npm run ops -- --help`.'] });
  });
});

describe('the help of npm run ops (product 12.1)', () => {
  test('names every command, and fits on a terminal', () => {
    const help = helpOn([]);
    for (const name of names) expect(help).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'));
    expect(help.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  test.each(names)('%s: explains each argument and each option', async (name) => {
    const { code, out } = await run([...name.split(' '), '--help']);
    expect({ code, first: out.split('\n')[0] }).toEqual({
      code: 0,
      first: expect.stringMatching(`^npm run ops -- ${name}`),
    });
    const { takes = {}, options = {} } = commands.get(name) ?? {};
    for (const { placeholder, says } of Object.values(takes)) expect(out).toMatch(`  ${placeholder}`.padEnd(25) + says);
    for (const [option, { says }] of Object.entries(options)) {
      expect(out).toContain(`  --${option}`);
      expect(out).toContain(says);
    }
  });

  test('a group explains all of its commands', () => {
    const help = helpOn(['orders']);
    for (const name of names.filter((name) => name.startsWith('orders '))) expect(help).toContain(`ops -- ${name}`);
  });

  test('an option is everywhere either a flag or has a value, so that a command line has one meaning', () => {
    const kinds = new Map<string, Set<boolean>>();
    for (const { options = {} } of commands.values()) {
      for (const [option, { placeholder }] of Object.entries(options))
        kinds.set(option, (kinds.get(option) ?? new Set()).add(placeholder === undefined));
    }
    expect([...kinds].filter(([, kind]) => kind.size > 1)).toEqual([]);
    expect(kinds.size).toBeGreaterThan(8);
  });

  test('no command has the name of a group, and no argument that of an option', () => {
    const words = groups.flatMap(({ word }) => word ?? []);
    expect(names.filter((name) => words.includes(name))).toEqual([]);
    for (const { takes = {}, options = {} } of commands.values())
      expect(Object.keys(takes).filter((name) => Object.hasOwn(options, name))).toEqual([]);
  });
});

describe('--json (product 12.2)', () => {
  test('prints the document of the API on one line, and nothing else', async () => {
    const document = { data: [], nextCursor: null };
    const { code, out, err } = await run(['deliveries', '--json'], answering(200, document));
    expect({ code, err, out }).toEqual({ code: 0, err: '', out: JSON.stringify(document) });
  });

  test('prints null for an answer without a body', async () => {
    const client = createClient(url, { fetch: async () => new Response(null, { status: 204 }) });
    expect(await run(['discard', '7-emails', '--json'], client)).toEqual({ code: 0, err: '', out: 'null' });
  });

  test('prints the problem of the API on the standard error, with its fields', async () => {
    const problem = {
      type: `${url}/problems/orders.not-found`,
      title: 'Not Found',
      status: 404,
      detail: 'It is gone.',
    };
    const client = answering(404, problem, 'application/problem+json');
    const { code, out, err } = await run(['orders', 'show', id, '--json'], client);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(JSON.parse(err)).toEqual(problem);
  });

  test.each([
    [['orders', 'ship', 'x', '--json'], 2, 'Wrong usage'],
    [['metrics', '--json'], 2, 'Wrong usage'],
    [['orders', 'ship', '7', '--json'], 1, 'Not done'],
  ])('%j gives a refusal of its own the form of a problem', async (argv, code, title) => {
    const result = await run(argv);
    expect([result.code, result.out]).toEqual([code, '']);
    expect(JSON.parse(result.err)).toEqual({ type: 'about:blank', title, detail: expect.any(String) });
  });
});

describe('npm run ops -- ready', () => {
  /** Asks a server that answers everything with 503 and one document. */
  async function ready(argv: readonly string[], body: unknown, type: string) {
    const server = createServer((_, response) =>
      response.writeHead(503, { 'Content-Type': type }).end(JSON.stringify(body)),
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const result = await run(['ready', ...argv], undefined, `http://127.0.0.1:${port}`);
    server.closeAllConnections();
    server.close();
    return result;
  }
  const report = {
    status: 'unavailable',
    issues: [{ code: 'd1-unreachable', detail: 'D1 does not answer.', remedy: 'Wait.', details: {} }],
  };

  test('ends with 1 when the system is not ready, and prints why', async () => {
    const text = 'Unavailable.\n  d1-unreachable: D1 does not answer.\n    Wait.';
    expect(await ready([], report, 'application/json')).toEqual({ code: 1, out: text, err: '' });
    expect(await ready(['--json'], report, 'application/json')).toEqual({
      code: 1,
      out: JSON.stringify(report),
      err: '',
    });
  });

  test('tells where to look when the configuration is wrong', async () => {
    const problem = { code: 'http.configuration', detail: 'The configuration is wrong.' };
    const { code, out } = await ready([], problem, 'application/problem+json');
    expect([code, out]).toEqual([
      1,
      'Not ready: The configuration is wrong.\nThe log event configuration.unusable names each wrong variable.',
    ]);
  });

  test('ends with 3 when nothing answers', async () => {
    const { code, err } = await run(['ready', '--json'], undefined, 'http://127.0.0.1:9');
    expect([code, JSON.parse(err).title]).toEqual([3, 'No answer']);
  });
});

describe('the exit code (product 12.2)', () => {
  const refusal = async (status: number) => {
    const client = answering(status, { detail: 'no' }, 'application/problem+json');
    return client.api.users.me.$get().then(undefined, (error: ProblemError) => describeFailure(error, url).code);
  };

  test.each([
    [401, 1],
    [403, 1],
    [409, 1],
    [412, 1],
    [429, 3],
    [500, 3],
    [503, 3],
  ])('for a status of %i is %i', async (status, code) => expect(await refusal(status)).toBe(code));

  test('is 3 when nothing answers, 2 when the address is none, and 1 for a command that could not be done', () => {
    const silence = new TypeError('fetch failed');
    expect(describeFailure(silence, url)).toMatchObject({
      code: 3,
      text: expect.stringMatching(`^No API answers at ${url}`),
    });
    expect(describeFailure(silence, 'localhost:8787')).toMatchObject({
      code: 2,
      text: expect.stringMatching('^"localhost:8787" is not'),
    });
    expect(describeFailure(new WrongUsage('Set a password.'), url)).toMatchObject({
      code: 2,
      text: 'Set a password.',
    });
    expect(describeFailure(new Error('There is none.'), url)).toMatchObject({ code: 1, text: 'There is none.' });
  });
});

test('a text that somebody wrote cannot control the terminal, and looks like no line of the program (product 12.3)', async () => {
  const row = { id, ownerId: id, title: '\u001b[2Jgone\u009b1m\n  forged\u202e', isActive: true, takenDown: false };
  const client = answering(200, { data: [{ ...row, price: { amount: 199, currency: 'EUR' } }], nextCursor: null });
  const { out } = await run(['items', 'list'], client);
  expect(out).toBe(
    [
      '  item                                  sale      price  title',
      `  ${id}  for sale  €1.99  \ufffd[2Jgone\ufffd1m forged\ufffd`,
    ].join('\n'),
  );
  const { out: json } = await run(['items', 'list', '--json'], client);
  expect(json).toContain('\\u001b[2Jgone\\u009b1m\\n  forged\\u202e');
  expect(JSON.parse(json).data[0].title).toBe(row.title);
});

describe('the commands about dead letters and documents (product 12.1)', () => {
  /** Runs a command, and keeps what it asked for: the method and the address, and what it sent. */
  async function ask(argv: readonly string[], answer: unknown) {
    const asked: [string, unknown][] = [];
    const client = createClient(url, {
      async fetch(input, init) {
        const request = new Request(input, init);
        const text = await request.text();
        asked.push([`${request.method} ${new URL(request.url).pathname}`, text === '' ? undefined : JSON.parse(text)]);
        return new Response(answer === null ? null : JSON.stringify(answer), {
          status: answer === null ? 204 : 200,
          headers: { 'Content-Type': 'application/json' },
        });
      },
    });
    return { ...(await run(argv, client)), asked };
  }
  const result = { count: 2, remaining: 3, decision: 7 };

  test.each([
    [['replay', '7-emails,8-emails'], 'replay', { ids: ['7-emails', '8-emails'] }],
    [['replay', '--all'], 'replay', {}],
    [['replay', '--all', '--subscription', 'emails', '--error', 'E'], 'replay', { subscription: 'emails', error: 'E' }],
    [['discard', '7-emails,8-emails'], 'discard', { ids: ['7-emails', '8-emails'] }],
    [
      ['discard', '--all', '--subscription', 'emails', '--error', 'E'],
      'discard',
      { subscription: 'emails', error: 'E' },
    ],
  ])('%j sends what it names, and says where its outcome is', async (argv, action, body) => {
    const { asked, code, out } = await ask(argv, result);
    expect([code, asked]).toEqual([0, [[`POST /v1/operations/dead-letters/${action}`, body]]]);
    expect(out).toMatch(/2 dead letters[\s\S]* 3 are left: repeat the command\.\n.*npm run ops -- decision 7$/);
  });

  test('one dead letter is discarded by its address', async () => {
    const { asked } = await ask(['discard', '7-emails'], null);
    expect(asked).toEqual([['DELETE /v1/operations/dead-letters/7-emails', undefined]]);
  });

  test('the outcome of a decision is counted and listed', async () => {
    const { asked, out } = await ask(['decision', '7'], {
      ...{ decision: 7, action: 'replayed', event: { occurredAt: 'then', actorId: null } },
      counts: { done: 1, waiting: 0, dead: 1, discarded: 0, unknown: 0 },
      data: [
        { id: '7-emails', state: 'done', attempts: 0, lastError: null },
        { id: '8-emails', state: 'dead', attempts: 2, lastError: 'TypeError' },
      ],
    });
    expect(asked).toEqual([['GET /v1/operations/dead-letter-decisions/7', undefined]]);
    expect(out).toMatch(/^replayed at then by nobody: 1 done, 1 dead\n/);
    expect(out).toMatch(/^ {2}8-emails +dead +2 +TypeError$/m);
  });

  test('a document is inspected, and the reason comes first', async () => {
    const json = {
      ...{
        view: 'ticket',
        key: 'all',
        isSame: false,
        logPosition: 9,
        deliveries: [{ id: '8-projections', status: 'pending' }],
      },
      verdict: { code: 'event-waits', detail: 'An event waits.' },
      kv: { state: 'absent', document: null },
      database: { error: null, document: { version: 2 } },
      row: null,
    };
    const inspected = await ask(['inspect', 'ticket', 'all'], json);
    expect(inspected.asked).toEqual([['GET /v1/operations/projections/ticket/keys/all', undefined]]);
    expect(inspected.out).toMatch(
      /^ticket all is event-waits\n {2}why: +An event waits\.\n {2}KV: +absent\n {2}database: +version 2\n/,
    );
    expect(inspected.out).toMatch(/open work: {2}8-projections \(pending\)$/);
    const projected = await ask(['project', 'ticket', 'all'], json);
    expect(projected.asked.map(([what]) => what)).toEqual([
      'POST /v1/operations/projections/ticket/keys/all/project',
      'GET /v1/operations/projections/ticket/keys/all',
    ]);
  });

  test('groups say when there are more, and a letter that nobody wrote is none', async () => {
    const group = { count: 4, subscription: 'emails', error: 'E', fault: 'system', replays: 0, newest: '9-emails' };
    const times = { firstFailedAt: null, lastFailedAt: '2026-01-01T10:00:00.000Z' };
    const { out } = await ask(['dead-letter-groups'], { data: [{ ...group, ...times }], isComplete: false });
    expect(out).toMatch(/4 +emails +E +system +- +2026-01-01 10:00 +0 +9-emails\n\nThere are more/);
    expect((await ask(['dead-letter-groups'], { data: [], isComplete: true })).out).toBe('There are none.');
  });
});

describe('docs/operations.md', () => {
  const page = readFileSync('docs/operations.md', 'utf8');

  test('has each command in its table', () => {
    const missing = names.filter((name) => !new RegExp(`^\\| .*\`(npm run ops -- )?${name}\\b.*? \\|`, 'm').test(page));
    expect(missing).toEqual([]);
  });

  test('has each exit code and each variable of the help', () => {
    const codes = [...helpOn([]).matchAll(/^ {2}(\d) {2,}/gm)].map(([, code]) => `\n| ${code} | `);
    const variables = [...helpOn([]).matchAll(/FRONTDESK_\w+/g)].map(([name]) => `\`${name}\``);
    expect([codes.length, variables.length]).toEqual([4, 4]);
    expect([...codes, ...variables].filter((text) => !page.includes(text))).toEqual([]);
  });

  test('and the other pages show command lines that the program takes', () => {
    const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync('docs').map((name) => `docs/${name}`)];
    const fences = pages
      .filter((name) => name.endsWith('.md'))
      .flatMap((name) => [...readFileSync(name, 'utf8').matchAll(/```sh\n(.*?)```/gs)].map(([, fence = '']) => fence));
    const lines = fences.flatMap((fence) => [...fence.matchAll(/npm run (?:-s )?ops -- ([^|#;)\n]*)/g)]);
    const calls = lines.map(([, call = '']) => call.replace(/ (<|\|\|) .*/, '').trim());
    expect(calls.length).toBeGreaterThan(5);
    // What a variable of the shell has stands in the script.
    const examples: Readonly<Record<string, string>> = { $id: id, $number: '1001', $view: 'ticket', '-': 'text' };
    const words = (call: string) => call.split(' ').map((word) => examples[word] ?? word);
    for (const call of calls) expect(parseCall(words(call))).toBeDefined();
  });
});
