import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readPrintedEmails } from '../../scripts/dev-emails';
import { configName } from '../../scripts/running-dev';
import { runScript } from '../support/run-script';

/** The scripts that people start, by their names in package.json; `prepare` is for npm alone. */
const scripts: Record<string, string> = JSON.parse(readFileSync('package.json', 'utf8')).scripts;
const own = Object.entries(scripts).flatMap(([name, command]) => {
  const [, path] = /^node --import tsx (scripts\/[\w-]+\.ts)$/.exec(command) ?? [];
  return path === undefined || name === 'prepare' ? [] : [{ name, path }];
});

const nobody = { FIRST_ADMIN_EMAIL: 'a@b.example', FIRST_ADMIN_PASSWORD: 'a password of nobody' };

/** Runs a script far from any API and any local data. */
const run = (path: string, args: readonly string[], cwd = '.', env: NodeJS.Dict<string> = {}) =>
  runScript(path, args, cwd, { FRONTDESK_URL: 'http://127.0.0.1:9', ...nobody, ...env });

describe.concurrent.each(own)('npm run $name', ({ name, path }) => {
  test('--help prints the usage', async () => {
    const { code, output } = await run(path, ['--help']);
    expect(output).toMatch(new RegExp(`^npm run ${name}\\b`));
    expect(code).toBe(0);
  });

  test('an unknown option ends it with the reason and where the help is, and without a stack', async () => {
    const { code, output } = await run(path, ['--no-such-option']);
    expect(output).toBe(`Unknown option '--no-such-option'.\nSee \`npm run ${name} -- --help\`.\n`);
    expect(code).toBe(2);
  });
});

describe('wrong arguments (product 12.2)', () => {
  test.concurrent.each([
    ['scripts/simulate.ts', ['--seeds', 'abc'], '--seeds must be a whole number of at least 1, not "abc".'],
    ['scripts/simulate.ts', ['--seeds', '0'], '--seeds must be a whole number of at least 1, not "0".'],
    ['scripts/demo.ts', ['--customers', '-1'], "Option '--customers' argument is ambiguous."],
    ['scripts/demo.ts', ['--orders', '1e3'], '--orders must be a whole number from 1 to 1000, not "1e3".'],
    ['scripts/simulate.ts', ['--only', 'rain'], /^No hardship has the name rain: choose from faults, /],
    ['scripts/staging.ts', [''], 'Name a command of wrangler.'],
    // What each command of `npm run ops` refuses, `unit/ops` tests.
    ['scripts/ops.ts', ['orders', 'ship'], 'orders ship needs ORDER.'],
  ])('%s %j says: %s', async (path, args, reason: string | RegExp) => {
    const { code, output } = await run(path, args);
    if (typeof reason === 'string') expect(output.split('\n')[0]).toBe(reason);
    else expect(output).toMatch(reason);
    expect(output).not.toMatch(/^\s+at /m);
    expect(code).toBe(2);
  });
});

describe('npm run reset', () => {
  const secrets = 'TOKEN_SECRET="old"\nFIRST_ADMIN_PASSWORD="kept"\n';

  /** Runs the script in a folder with local data, and tells what it leaves there. */
  async function reset(args: readonly string[], prepare = (_: string) => {}) {
    const folder = mkdtempSync(join(tmpdir(), 'frontdesk-reset-'));
    mkdirSync(join(folder, '.wrangler/state'), { recursive: true });
    writeFileSync(join(folder, '.dev.vars'), secrets);
    prepare(folder);
    const { code, output } = await run('scripts/reset.ts', args, folder);
    const vars = existsSync(join(folder, '.dev.vars')) ? readFileSync(join(folder, '.dev.vars'), 'utf8') : undefined;
    const hasState = existsSync(join(folder, '.wrangler/state'));
    rmSync(folder, { recursive: true });
    return { code, output, vars, hasState };
  }

  test('the local data and the secrets are deleted', async () => {
    expect(await reset([])).toMatchObject({ code: 0, vars: undefined, hasState: false });
  });

  test('--secrets makes a new TOKEN_SECRET, and keeps the data and the passwords', async () => {
    const { vars = '', ...rest } = await reset(['--secrets']);
    expect(rest).toMatchObject({ code: 0, hasState: true });
    expect(vars).toMatch(/^TOKEN_SECRET="[\w-]{43}"\nFIRST_ADMIN_PASSWORD="kept"\n$/);
  });

  test('nothing is deleted while `npm run dev` uses the data', async () => {
    const mark = (folder: string) => writeFileSync(join(folder, configName(9812)), '');
    const { output, ...rest } = await reset([], mark);
    expect(rest).toEqual({ code: 1, vars: secrets, hasState: true });
    expect(output).toBe(
      `\`npm run dev\` is already running at http://localhost:9812 (process ${process.pid}). Stop it first, with Ctrl-C in its window.\n`,
    );
  });
});

test.each([
  ['the npm run dev of the folder', {}, 'http://localhost:1'],
  ['before it PORT', { PORT: '2' }, 'http://localhost:2'],
  ['before both FRONTDESK_URL', { PORT: '2', FRONTDESK_URL: 'http://127.0.0.1:3' }, 'http://127.0.0.1:3'],
])('npm run ops and npm run demo use %s', async (_, env, url) => {
  const folder = mkdtempSync(join(tmpdir(), 'frontdesk-ops-'));
  writeFileSync(join(folder, configName(1)), '');
  for (const path of ['scripts/ops.ts', 'scripts/demo.ts']) {
    const args = path.includes('ops') ? ['rebuilds'] : [];
    const { code, output } = await run(path, args, folder, { FRONTDESK_URL: undefined, PORT: undefined, ...env });
    const remedy = 'Start one with `npm run dev`, or set FRONTDESK_URL or PORT.';
    expect({ code, output }).toEqual({ code: 3, output: `No API answers at ${url}. ${remedy}\n` });
  }
  rmSync(folder, { recursive: true });
});

test.concurrent.each([
  [{ FRONTDESK_EMAIL: 'ada@example.com' }, /^Set FRONTDESK_TOKEN, or both FRONTDESK_EMAIL and FRONTDESK_PASSWORD, /],
  [{ FRONTDESK_URL: 'localhost:8787' }, /^"localhost:8787" is not the address of an API\. Correct FRONTDESK_URL /],
])('npm run ops says what is wrong with its environment: %j', async (env, reason) => {
  const { code, output } = await run('scripts/ops.ts', ['rebuilds'], '.', env);
  expect(output).toMatch(reason);
  expect(code).toBe(2);
});

describe('npm run dev', () => {
  const usable = 'TOKEN_SECRET="0123456789-abcdefghijklmnopqrstuvwxyz"\nEMAIL_TRANSPORT="console"\n';

  /**
   * Runs the script in a folder of its own, on a free port unless it gets one. In the place of wrangler stands a program
   * that writes down how it is started and ends with 3, so no Worker starts.
   */
  async function dev(vars: string, args: readonly string[] = [], taken?: number, prepare = (_: string) => {}) {
    const folder = mkdtempSync(join(tmpdir(), 'frontdesk-dev-'));
    copyFileSync('wrangler.toml', join(folder, 'wrangler.toml'));
    writeFileSync(join(folder, '.dev.vars'), vars);
    mkdirSync(join(folder, 'console'));
    writeFileSync(join(folder, 'console/index.html'), '<!doctype html><title>A console</title>');
    const build = "{ root: import.meta.dirname, build: { outDir: '../public/console' } }";
    writeFileSync(join(folder, 'console/vite.config.ts'), `export default ${build};`);
    const email = '┌─ e-mail ──\n│ To:      Ada <ada@example.com>\n│ Subject: Hello\n│\n│ Hello\n└──';
    const program = `#!/bin/sh\necho "$@" >> calls\n[ "$1" = d1 ] && exit 0\necho '${email}'\nexit 3\n`;
    writeFileSync(join(folder, 'wrangler'), program, { mode: 0o700 });
    prepare(folder);
    const port = taken ?? (await withPort(async (free) => free));
    const env = { PORT: `${port}`, LOG_FORMAT: undefined, PATH: `${folder}${delimiter}${process.env.PATH}` };
    const { code, output } = await run('scripts/dev.ts', args, folder, env);
    const calls = existsSync(join(folder, 'calls'))
      ? readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')
      : [];
    const emails = readPrintedEmails(join(folder, '.wrangler/dev-emails.txt'));
    const hasConsole = existsSync(join(folder, 'public/console/index.html'));
    rmSync(folder, { recursive: true });
    return { code, output, calls, port, emails, hasConsole };
  }

  /** Does work while a program listens on a port of its own. */
  async function withPort<Result>(work: (port: number) => Promise<Result>): Promise<Result> {
    const server = createServer().listen(0, 'localhost');
    await once(server, 'listening');
    const result = await work((server.address() as AddressInfo).port);
    server.close();
    await once(server, 'close');
    return result;
  }

  test('a wrong configuration ends it before a Worker starts, with what the Worker would say, once', async () => {
    const { code, output, calls } = await dev('TOKEN_SECRET="short"\nEMAIL_TRANSPORT="console"\n');
    expect(output).toMatch(/^The configuration is not usable: TOKEN_SECRET /);
    expect(output).toContain('Correct .dev.vars');
    expect(output.match(/not usable/g)).toHaveLength(1);
    expect(output).not.toMatch(/^\s+at /m);
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
  });

  test('a port on which something listens ends it before a Worker starts', async () => {
    const { code, calls, output, port } = await withPort((taken) => dev(usable, [], taken));
    expect(output).toBe(`Port ${port} is in use. Choose another one, for example: PORT=8790 npm run dev\n`);
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
  });

  test('a second one in the same folder is refused on another port too, because both would use one database', async () => {
    const mark = (folder: string) => writeFileSync(join(folder, configName(9812)), '');
    const { code, calls, output } = await dev(usable, [], undefined, mark);
    expect(output).toContain(`already running at http://localhost:9812 (process ${process.pid}).`);
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
  });

  test('what one left behind that was killed keeps no other from starting', async () => {
    // No process has a number so large.
    const mark = (folder: string) => writeFileSync(join(folder, configName(9812, 2 ** 30)), '');
    expect((await dev(usable, [], undefined, mark)).code).toBe(3);
  });

  test('a LOG_FORMAT that does not exist is refused together with the other wrong variables', async () => {
    const { code, output } = await dev('LOG_FORMAT="xml"\nTOKEN_SECRET="short"\nEMAIL_TRANSPORT="console"\n');
    expect(output).toMatch(/^The configuration is not usable: (?=.*TOKEN_SECRET )(?=.*LOG_FORMAT )/);
    expect(output).not.toContain('npm run dev -- --help');
    expect(code).toBe(1);
  });

  test.each([
    ['no.toml', 'There is no wrangler configuration at no.toml.'],
    ['.dev.vars', '.dev.vars is not the wrangler configuration of a Worker: it needs a name and main.'],
    ['wrangler.toml', 'wrangler.toml is Frontdesk itself, or has its name. Name another Worker.'],
  ])('--with %s ends it before a Worker starts', async (path, reason) => {
    const { code, output, calls } = await dev(usable, ['--with', path]);
    expect(output.split('\n')[0]).toBe(reason);
    expect(output).not.toMatch(/^\s+at /m);
    expect({ code, calls }).toEqual({ code: 2, calls: [] });
  });

  test('the Worker gets the address at which it listens, for the links in e-mails, after the migrations and a build of the console', async () => {
    const { code, calls, emails, hasConsole, output, port } = await dev(usable);
    expect(calls).toEqual([
      'd1 migrations apply DB --local',
      expect.stringMatching(new RegExp(`^dev --config \\S+ --port ${port} .*PUBLIC_URL:http://localhost:${port}$`)),
    ]);
    expect({ code, hasConsole }).toEqual({ code: 3, hasConsole: true });
    // What it prints as an e-mail, it keeps for scripts that follow links.
    expect(output).toContain('│ To:      Ada <ada@example.com>');
    expect(emails).toMatchObject([{ to: 'ada@example.com', subject: 'Hello', text: 'Hello' }]);
  });
});
