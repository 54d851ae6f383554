import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

// These tests check what imports alone cannot show; `.dependency-cruiser.cjs` holds the rules about imports.

const root = resolve(import.meta.dirname, '../..');
const source = join(root, 'src');

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const files = filesBelow(source);

function filesThatMatch(pattern: RegExp): string[] {
  return files.filter((file) => pattern.test(readFileSync(file, 'utf8'))).map((file) => relative(source, file));
}

test('one file has the SQL on the table of events', () => {
  expect(filesThatMatch(/\b(?:FROM|JOIN|INTO|UPDATE) events\b/)).toEqual(['cqrs/log/event-log.ts']);
});

test('only commits of the unit of work write a batch', () => {
  expect(filesThatMatch(/\bcheckInBatch\(/).toSorted()).toEqual(['cqrs/writing/commit.ts', 'cqrs/writing/guards.ts']);
});

test('only the folder access marks a caller as checked', () => {
  const outside = filesThatMatch(/\basChecked\(|as CheckedActor\b/).filter((file) => !file.startsWith('access/'));
  expect(outside).toEqual([]);
});

test('every command names an access rule of the folder access', () => {
  for (const file of files.filter((name) => name.endsWith('/commands.ts'))) {
    const rules = [...readFileSync(file, 'utf8').matchAll(/onlyIf: (.+?),?$/gm)].map(([, rule]) => rule);
    expect(rules.length).toBeGreaterThan(0);
    for (const rule of rules) expect(['anyone', 'activeAccount', 'activeAdmin', 'activeSeller']).toContain(rule);
  }
  // The configuration chooses this rule, which the folder access makes.
  expect(filesThatMatch(/\bactiveSeller: activeAccountThat\(/)).toEqual(['items/sellers.ts']);
});

test('no statement replaces rows, because SQLite then deletes rows without their triggers, which count them', () => {
  const replaces = /\b(?:INSERT|UPDATE)\s+OR\s+REPLACE\b|\bREPLACE\s+INTO\b|\bON\s+CONFLICT\s+REPLACE\b/i;
  const statements = ['src', 'scripts', 'migrations', 'docs'].flatMap((folder) => filesBelow(join(root, folder)));
  const found = statements.filter((file) => replaces.test(readFileSync(file, 'utf8')));
  expect(found.map((file) => relative(root, file))).toEqual([]);
});
