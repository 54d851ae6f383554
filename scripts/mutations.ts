// Breaks one rule at a time in a copy of the repository, and reports which mutations no test notices.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { mutations } from '../test/mutations';
import { type Guardian, type Level, type Mutation, testFile } from '../test/mutations/mutation';
import { fail, readOptions, readWholeNumber, refuse, run } from './command-line';

const usage = `npm run mutations -- [TEXT ...] [--list] [--workers N] [--trust]

  TEXT         takes only the mutations that have one of the texts in their area, name, file or tests
  --list       lists the mutations, and runs nothing
  --workers N  tries so many mutations at the same time (1)
  --trust      leaves out the first run of the tests, without a mutation

Each mutation is applied to a copy of the repository, and the tests that must notice it run. The program ends with an
error if a mutation is neither noticed nor explained as equivalent. test/mutations has the list.`;

/** How long the tests of one mutation may take; a mutation can make them run for ever. */
const longestMs = 300_000;

interface Candidate extends Mutation {
  area: string;
}

/**
 * What became of a mutation. A run that `crashed` proves nothing, because no test failed by what it expects: the code
 * could not be loaded, or made statements that SQLite does not understand.
 */
interface Verdict {
  kind: 'noticed' | 'unnoticed' | 'crashed';
  /** The first test that failed, or why the run proves nothing. */
  by: string;
}

/** The part of the report of vitest's reporter `json` that this program reads. */
interface Report {
  testResults: {
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

function choose(texts: readonly string[]): Candidate[] {
  const all = Object.entries(mutations).flatMap(([area, list]) => list.map((mutation) => ({ area, ...mutation })));
  const isWanted = ({ area, name, file, noticedBy }: Candidate) => {
    const searched = `${area}: ${name}\n${file}\n${describeGuardian(noticedBy)}`.toLowerCase();
    return texts.length === 0 || texts.some((text) => searched.includes(text.toLowerCase()));
  };
  const chosen = all.filter(isWanted);
  if (chosen.length === 0) refuse(`No mutation has "${texts.join('" or "')}" in its area, name, file or tests.`, usage);
  return chosen;
}

function describeGuardian(guardian: Guardian): string {
  if (guardian === 'types') return 'the type check';
  const { level, files, only } = guardian;
  return `${files.map((name) => `${level}/${name}`).join(', ')}${only === undefined ? '' : ` (${only})`}`;
}

const copies: string[] = [];
process.once('exit', () => {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** Copies the files of the repository, also those that are not committed. The installed packages are shared. */
function copyRepository(): string {
  const copy = mkdtempSync(join(tmpdir(), 'frontdesk-mutations-'));
  copies.push(copy);
  const files = run('git', ['ls-files', '--cached', '--others', '--exclude-standard']).split('\n').filter(existsSync);
  for (const file of [...files, 'public']) {
    if (file !== 'node_modules') cpSync(file, join(copy, file), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  return copy;
}

interface Finished {
  status: number | null;
  output: string;
}

function start(command: string, args: readonly string[], cwd: string): Promise<Finished> {
  return new Promise((done, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: longestMs });
    let output = '';
    const keep = (text: Buffer) => {
      output += text;
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (status) => done({ status, output }));
  });
}

/** An error of code that cannot run at all; a test that fails with it has not compared anything. */
const meaningless =
  /^ReferenceError\b|no such (?:column|table|function)|syntax error|incomplete input|ambiguous column/m;

/** The integration tests run in Node with SQLite, where they take a tenth of the time. */
const projects: Readonly<Record<Level, string>> = { unit: 'unit', integration: 'sqlite', e2e: 'e2e' };

async function runTests(copy: string, level: Level, files: readonly string[], flags: readonly string[]) {
  const outputFile = join(copy, 'mutation-report.json');
  rmSync(outputFile, { force: true });
  const paths = files.map((name) => testFile(level, name));
  const common = [
    'run',
    '--project',
    projects[level],
    '--maxWorkers',
    '1',
    '--reporter',
    'json',
    '--outputFile',
    outputFile,
  ];
  const { status, output } = await start('vitest', [...common, ...flags, ...paths], copy);
  if (!existsSync(outputFile)) return { status, output, failed: [], passed: 0, crashes: [] };
  const { testResults }: Report = JSON.parse(readFileSync(outputFile, 'utf8'));
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    status,
    output,
    failed: tests.filter((test) => test.status === 'failed'),
    passed: tests.filter((test) => test.status === 'passed').length,
    crashes: testResults.flatMap(({ message }) => (message === '' ? [] : [message])),
  };
}

const lastLineOf = (text: string) => text.trim().split('\n').at(-1) ?? '';

async function judge(copy: string, guardian: Guardian): Promise<Verdict> {
  if (guardian === 'types') {
    const tsc = 'node_modules/typescript7/bin/tsc';
    const { status, output } = await start('node', [tsc, '-p', 'src', '--incremental', 'false'], copy);
    const [error] = /^.*error TS.*$/m.exec(output) ?? [];
    if (status === 0) return { kind: 'unnoticed', by: '' };
    return error ? { kind: 'noticed', by: error } : { kind: 'crashed', by: lastLineOf(output) };
  }
  const { level, files, only } = guardian;
  // The text is one of a test's name, and vitest takes a regular expression.
  const pattern = only === undefined ? [] : ['--testNamePattern', only.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')];
  const { status, output, failed, passed, crashes } = await runTests(copy, level, files, ['--bail', '1', ...pattern]);
  const proof = failed.find(({ failureMessages }) => !failureMessages.every((message) => meaningless.test(message)));
  if (proof) return { kind: 'noticed', by: proof.fullName };
  if (status === 0 && passed > 0) return { kind: 'unnoticed', by: '' };
  if (status === null) return { kind: 'crashed', by: `The tests did not end within ${longestMs / 1000} seconds.` };
  const reason = failed[0]?.failureMessages[0] ?? crashes[0] ?? (passed === 0 ? 'No test ran.' : lastLineOf(output));
  return { kind: 'crashed', by: reason.split('\n')[0] ?? '' };
}

/** Applies a mutation to a copy, runs the tests that must notice it, and takes it back. */
async function tryOut(copy: string, { file, find, replace, noticedBy, name }: Mutation): Promise<Verdict> {
  const path = join(copy, file);
  const original = readFileSync(path, 'utf8');
  const parts = original.split(find);
  if (parts.length !== 2) fail(`${file} has the text of "${name}" ${parts.length - 1} times instead of once.`);
  writeFileSync(path, parts.join(replace));
  try {
    return await judge(copy, noticedBy);
  } finally {
    writeFileSync(path, original);
  }
}

/** Runs the tests without a mutation: a test that fails in any case notices nothing. */
async function requireGreen(copy: string, chosen: readonly Candidate[]): Promise<void> {
  const guardians = chosen.flatMap(({ noticedBy }) => (noticedBy === 'types' ? [] : [noticedBy]));
  for (const [level, group] of Map.groupBy(guardians, (guardian) => guardian.level)) {
    const files = [...new Set(group.flatMap((guardian) => guardian.files))];
    console.log(`Running ${files.length} files of the level ${level} without a mutation.`);
    const { status, output, failed } = await runTests(copy, level, files, []);
    const names = failed.map(({ fullName }) => fullName).join('\n');
    if (status !== 0)
      fail(`Without a mutation these tests fail, so nothing can be said:\n${names || lastLineOf(output)}`);
  }
}

function print({ area, name, equivalent, noticedBy }: Candidate, { kind, by }: Verdict): void {
  const isExplained = kind === 'unnoticed' && equivalent !== undefined;
  console.log(`${isExplained ? 'equivalent' : kind}: ${area}: ${name}`);
  if (isExplained) console.log(`  ${equivalent}`);
  else if (kind === 'unnoticed') console.log(`  These tests pass with it: ${describeGuardian(noticedBy)}`);
  else console.log(`  ${by}`);
}

/** The table of docs/testing.md. */
function printTable(results: readonly (readonly [Candidate, Verdict])[]): void {
  console.log('\n| area | mutations | noticed | equivalent | unnoticed |\n|---|---|---|---|---|');
  for (const [area, group] of Map.groupBy(results, ([{ area }]) => area)) {
    const noticed = group.filter(([, { kind }]) => kind === 'noticed').length;
    const equivalent = group.filter(([{ equivalent }, { kind }]) => kind === 'unnoticed' && equivalent).length;
    const left = group.length - noticed - equivalent;
    console.log(`| ${area} | ${group.length} | ${noticed} | ${equivalent} | ${left} |`);
  }
}

const { values, positionals } = readOptions(usage, {
  options: { list: { type: 'boolean' }, trust: { type: 'boolean' }, workers: { type: 'string' } },
  allowPositionals: true,
});
const chosen = choose(positionals);
const workers = readWholeNumber('--workers', values.workers ?? '1', usage, 16);
process.chdir(resolve(dirname(import.meta.filename), '..'));

if (values.list) {
  for (const { area, name, file, noticedBy } of chosen) {
    console.log(`${area}: ${name}\n  ${file}, noticed by ${describeGuardian(noticedBy)}`);
  }
} else {
  if (spawnSync('vitest', ['--version']).error)
    fail('vitest was not found: run this program with `npm run mutations`.');
  const waiting = [...chosen];
  const results: (readonly [Candidate, Verdict])[] = [];
  const own = Array.from({ length: Math.min(workers, chosen.length) }, copyRepository);
  if (own[0] !== undefined && !values.trust) await requireGreen(own[0], chosen);
  await Promise.all(
    own.map(async (copy) => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const verdict = await tryOut(copy, next);
        print(next, verdict);
        results.push([next, verdict]);
      }
    }),
  );
  printTable(results);
  const isFine = ([{ equivalent }, { kind }]: readonly [Candidate, Verdict]) =>
    kind === 'noticed' || (kind === 'unnoticed' && equivalent !== undefined);
  if (!results.every(isFine)) process.exitCode = 1;
}
