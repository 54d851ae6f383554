import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { constraints, errorCatalogue, eventCatalogue, views } from '../../src/domains';

// A part that a domain exports and domains.ts does not register compiles, and is silently unused.

const source = resolve(import.meta.dirname, '../../src');

/** Every export of the files with this name, or with a text that matches, with the file it comes from. */
async function exportsOf(wanted: string | RegExp): Promise<{ file: string; name: string; value: unknown }[]> {
  const files = readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) =>
      typeof wanted === 'string' ? basename(file) === wanted : wanted.test(readFileSync(file, 'utf8')),
    );
  const modules = await Promise.all(
    files.map(async (file) => Object.entries(await import(file)).map((entry) => ({ file, entry }))),
  );
  return modules.flat().map(({ file, entry: [key, value] }) => ({ file: relative(source, file), name: key, value }));
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' || typeof value === 'function') && value !== null;
}

describe('src/domains.ts', () => {
  test('src/domains.ts registers every view that a domain defines', async () => {
    const defined = (await exportsOf(/ = defineView\(/)).filter(({ value }) => isObject(value) && 'kvKey' in value);
    expect(defined.length).toBeGreaterThan(9);
    const registered = new Set<unknown>(views);
    expect(defined.filter(({ value }) => !registered.has(value)).map(({ file, name }) => `${file}: ${name}`)).toEqual(
      [],
    );
  });

  test('src/domains.ts registers every event that a domain defines', async () => {
    const defined = (await exportsOf('events.ts')).filter(({ value }) => isObject(value) && 'upcasters' in value);
    expect(defined.length).toBeGreaterThan(20);
    const registered = new Set<unknown>(eventCatalogue.values());
    expect(defined.filter(({ value }) => !registered.has(value)).map(({ file, name }) => `${file}: ${name}`)).toEqual(
      [],
    );
  });

  test('src/domains.ts registers every error that a folder defines', async () => {
    const catalogues = (await exportsOf('errors.ts')).filter(({ name }) => name.endsWith('Errors'));
    const defined = catalogues.flatMap(({ value }) => (isObject(value) ? Object.values(value) : []));
    expect(defined.length).toBeGreaterThan(30);
    const registered = new Set<unknown>(errorCatalogue);
    expect(defined.filter((error) => !registered.has(error))).toEqual([]);
  });

  test('src/domains.ts registers every constraint that a repository explains', async () => {
    const defined = (await exportsOf('repository.ts')).filter(({ name }) => name.endsWith('Constraints'));
    const names = defined.flatMap(({ value }) => (isObject(value) ? Object.keys(value) : []));
    expect(names.length).toBeGreaterThan(1);
    expect(Object.keys(constraints)).toEqual(expect.arrayContaining(names));
  });
});
