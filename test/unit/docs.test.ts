import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tokenRequest } from '../../src/auth/schemas';
import { fromEnvelope, parseEnvelope } from '../../src/cqrs/log/envelope';
import { cleanUps, eventCatalogue, hourlyTasks } from '../../src/domains';
import { introduction } from '../../src/introduction';
import { issueCodes } from '../../src/operations/schemas';
import { newPassword } from '../../src/platform/password-schemas';
import { registerUser } from '../../src/users/schemas';

const root = resolve(import.meta.dirname, '../..');

function filesBelow(folder: string, ending: string): string[] {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** The numbers of the promises in docs/product.md: the section's number and the row's. */
function promises(): string[] {
  const [, ...sections] = read('docs/product.md').split(/^## /m);
  return sections.flatMap((section) => {
    const number = /^(\d+)\. /.exec(section)?.[1];
    if (number === undefined) return [];
    return [...section.matchAll(/^(\d+)\. /gm)].slice(1).map(([, row]) => `${number}.${row}`);
  });
}

/** The promises that each test file cites: `(product 7.1)` or `(product 7.1, 7.2)`. */
function citations(): Map<string, string[]> {
  const cited = new Map<string, string[]>();
  for (const file of filesBelow('test', '.ts').filter((name) => !name.endsWith('docs.test.ts'))) {
    for (const [, list = ''] of read(file).matchAll(/\(product ([^)]*)\)/g)) {
      for (const number of list.split(', ')) cited.set(number, [...(cited.get(number) ?? []), file]);
    }
  }
  return cited;
}

describe('docs/product.md', () => {
  test('docs/product.md has at least forty promises', () => {
    expect(promises().length).toBeGreaterThanOrEqual(40);
  });

  test('docs/product.md has every promise that a test cites', () => {
    const known = promises();
    const unknown = [...citations()].filter(([number]) => !known.includes(number));
    expect(unknown).toEqual([]);
  });

  test('every promise of docs/product.md is cited by a test', () => {
    const cited = citations();
    expect(promises().filter((number) => !cited.has(number))).toEqual([]);
  });
});

/** The file of tests with a name; a part of one that starts a browser has no ending of its own. */
function testFile(name: string): string {
  const file = `test/${name}.test.ts`;
  return existsSync(join(root, file)) ? file : `test/${name}.ts`;
}

/** The table at the end of docs/product.md: a promise, its tests, and what the simulation does against it. */
function evidence(): { row: string; tests: string[]; faults: string[] }[] {
  const [, table = ''] = read('docs/product.md').split('## What tries to break each promise');
  return [...table.matchAll(/^\| (\d+\.\d+) \| ([^|]+) \| ([^|]+) \|$/gm)].map(
    ([, row = '', tests = '', faults = '']) => ({
      row,
      tests: tests.split(', ').map((name) => testFile(name.trim())),
      faults: [...faults.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name),
    }),
  );
}

describe('what tries to break each promise', () => {
  test('every promise names its tests, and each of them cites the promise', () => {
    const cited = citations();
    expect(evidence().map(({ row }) => row)).toEqual(promises());
    const wrong = evidence().flatMap(({ row, tests }) => tests.filter((file) => !cited.get(row)?.includes(file)));
    expect(wrong).toEqual([]);
  });

  test('the simulation knows every fault and every behaviour that a promise names', () => {
    const known = ['hardships.ts', 'shop/behaviours.ts'].map((file) => read(`test/simulation/${file}`)).join('\n');
    const names = new Set([...known.matchAll(/^ {2}'?([\w-]+)'?:\s/gm)].map(([, name = '']) => name));
    const unknown = evidence().flatMap(({ faults }) => faults.filter((fault) => !names.has(fault)));
    expect(unknown).toEqual([]);
    // What the console shows happens in a browser, which the simulation has not.
    const unbroken = evidence().filter(({ row, faults }) => faults.length === 0 && !row.startsWith('13.'));
    expect(unbroken.length).toBeLessThanOrEqual(10);
  });
});

describe('docs/architecture.md', () => {
  test('says what each file of cqrs/reading contains', () => {
    const files = filesBelow('src/cqrs/reading', '.ts').map((file) => basename(file));
    const [, ...rows] = read('docs/architecture.md').split(/^\| (?=`)/m);
    const named = rows.flatMap((row) =>
      [...(row.split(' | ')[0] ?? '').matchAll(/`([\w-]+\.ts)`/g)].map(([, file]) => file),
    );
    expect(files.filter((file) => !named.includes(file))).toEqual([]);
  });
});

describe('docs/operations.md', () => {
  test('lists every event that the code logs', () => {
    const source = filesBelow('src', '.ts').map(read).join('\n');
    const logged = [...source.matchAll(/logger\.(?:info|warn|error)\(\s*'([\w.-]+)'/g)].map(([, event = '']) => event);
    expect(logged.length).toBeGreaterThan(15);
    const page = read('docs/operations.md');
    expect(
      [...new Set([...logged, ...Object.keys(hourlyTasks), ...Object.keys(cleanUps)])].filter(
        (event) => !page.includes(`\`${event}\``),
      ),
    ).toEqual([]);
  });

  test('has each readiness issue in its runbook', () => {
    const page = read('docs/operations.md');
    expect(issueCodes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });
});

describe('every page', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...filesBelow('docs', '.md')];

  test.each(pages)('%s links only to files and headings that exist', (page) => {
    const broken: string[] = [];
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : relative(root, resolve(root, dirname(page), path));
      const isThere = existsSync(join(root, file)) && (!anchor || headingsOf(read(file)).includes(anchor));
      if (!isThere) broken.push(target);
    }
    expect(broken).toEqual([]);
  });

  test.each(pages)('%s names only files of src/ and test/ that exist', (page) => {
    const named = [...read(page).matchAll(/`((?:src|test|scripts|bench|migrations)\/[\w./-]+\.(?:ts|sql))`/g)];
    const missing = named.map(([, path = '']) => path).filter((path) => !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  });
});

/** The anchors of a page's headings, as forges make them. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}

test('the examples of the API, its introduction and requests.http register and sign in whom README registers', () => {
  const text = /users -H 'content-type: application\/json' \\\n\s+-d '(\{.*\})'/.exec(read('README.md'))?.[1] ?? '{}';
  const { name, email, password } = JSON.parse(text);
  expect([name, email, password]).toEqual([expect.any(String), expect.stringContaining('@'), expect.any(String)]);
  expect(registerUser.meta()?.examples).toEqual([{ name, email, password }]);
  expect(tokenRequest.meta()?.examples).toEqual([{ grant_type: 'password', username: email, password }]);
  expect(newPassword.meta()?.examples).toEqual([password]);
  const shell = introduction('https://api.example');
  for (const part of [`-d '${text}'`, `-d username=${email}`, `'password=${password}'`]) expect(shell).toContain(part);
  expect(read('docs/api.md')).toContain(`'password=${password}'`);
  expect(read('requests.http')).toContain(`@password = ${password}\n`);
});

test('the event in docs/api.md is one that Frontdesk sends', () => {
  const [, example = ''] = /A whole event:\n\n```json\n([^`]*)```/.exec(read('docs/api.md')) ?? [];
  const envelope = parseEnvelope(JSON.parse(example));
  const definition = eventCatalogue.get(fromEnvelope(envelope).type);
  expect(definition?.schema.parse(envelope.data)).toEqual(envelope.data);
  expect([envelope.schemaversion, envelope.subject.split('/')[0]]).toEqual([
    definition?.schemaVersion,
    definition?.streamType,
  ]);
  const explained = [
    ...read('docs/api.md').matchAll(/^\| ((?:`[a-z]+`(?:, )?)+) \| (?:String|URI|Integer|Timestamp)/gm),
  ];
  const attributes = explained.flatMap(([, names = '']) => names.replaceAll('`', '').split(', '));
  expect(attributes.toSorted()).toEqual(Object.keys(envelope).toSorted());
});
