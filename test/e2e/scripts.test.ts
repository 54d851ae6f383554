import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

/** The scripts that people start, by their names in package.json; `prepare` is for npm alone. */
const scripts: Record<string, string> = JSON.parse(readFileSync('package.json', 'utf8')).scripts;
const own = Object.entries(scripts).flatMap(([name, command]) => {
  const [, path] = /^node --import tsx (scripts\/[\w-]+\.ts)$/.exec(command) ?? [];
  return path === undefined || name === 'prepare' ? [] : [{ name, path }];
});

/** Runs a script far from any API and any local data. */
async function run(path: string, args: readonly string[], cwd = '.') {
  const env = { ...process.env, FRONTDESK_URL: 'http://127.0.0.1:9', FIRST_ADMIN_EMAIL: 'a@b.example' };
  const script = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), resolve(path), ...args], {
    cwd,
    env: { ...env, FIRST_ADMIN_PASSWORD: 'a password of nobody' },
  });
  let output = '';
  for (const stream of [script.stdout, script.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [code] = await once(script, 'close');
  return { code, output };
}

describe.concurrent.each(own)('npm run $name', ({ name, path }) => {
  test('--help prints the usage', async () => {
    const { code, output } = await run(path, ['--help']);
    expect(output).toMatch(new RegExp(`^npm run ${name}\\b`));
    expect(code).toBe(0);
  });

  test('an unknown option ends it with the reason and the usage, and without a stack', async () => {
    const { code, output } = await run(path, ['--no-such-option']);
    expect(output).toMatch(new RegExp(`^Unknown option '--no-such-option'\\.\n\nnpm run ${name}\\b`));
    expect(output).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  });
});

describe('wrong arguments', () => {
  test.concurrent.each([
    ['scripts/simulate.ts', ['--seeds', 'abc'], '--seeds must be a whole number of at least 1, not "abc".'],
    ['scripts/simulate.ts', ['--seeds', '0'], '--seeds must be a whole number of at least 1, not "0".'],
    ['scripts/demo.ts', ['--customers', '-1'], "Option '--customers' argument is ambiguous."],
    ['scripts/demo.ts', ['--orders', '1e3'], '--orders must be a whole number from 1 to 1000, not "1e3".'],
    ['scripts/ops.ts', [], 'Name a command.'],
    ['scripts/ops.ts', ['constructor'], 'There is no command "constructor".'],
    ['scripts/ops.ts', ['rebuild'], 'rebuild needs VIEW.'],
    ['scripts/ops.ts', ['replay'], 'replay needs ID or --all.'],
    ['scripts/ops.ts', ['replay', '--all', '7-emails'], 'replay does not take "7-emails".'],
    ['scripts/ops.ts', ['ready', '--all'], 'ready does not take --all.'],
    ['scripts/ops.ts', ['metrics', 'all'], 'metrics does not take "all".'],
    ['scripts/ops.ts', ['dead-letters', '--limit', '101'], '--limit must be a whole number from 1 to 100, not "101".'],
    [
      'scripts/ops.ts',
      ['dead-letters', '--subscription', 'mails'],
      '--subscription must be one of projections, emails, analytics, events, not "mails".',
    ],
    [
      'scripts/ops.ts',
      ['rebuilds'],
      'No API answers at http://127.0.0.1:9. Start one with `npm run dev`, or set FRONTDESK_URL.',
    ],
  ])('%s %j says: %s', async (path, args, reason) => {
    const { code, output } = await run(path, args);
    expect(output.split('\n')[0]).toBe(reason);
    expect(output).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
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
    const mark = (folder: string) => writeFileSync(join(folder, `wrangler.dev-${process.pid}.json`), '');
    const { output, ...rest } = await reset([], mark);
    expect(rest).toEqual({ code: 1, vars: secrets, hasState: true });
    expect(output).toContain(`\`npm run dev\` is running (process ${process.pid}).`);
  });
});
