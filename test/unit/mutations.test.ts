import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { mutations } from '../mutations';
import { type Mutation, testFile } from '../mutations/mutation';

const all = Object.values(mutations).flat();

/** Files that several levels run contain tests too, and so do the parts of the day at the console. */
const shared = ['test/support/contract', 'test/e2e/console'].flatMap((folder) =>
  readdirSync(folder).map((name) => `${folder}/${name}`),
);

function* problemsOf({ name, file, find, replace, noticedBy, equivalent }: Mutation): Generator<string> {
  const count = existsSync(file) ? readFileSync(file, 'utf8').split(find).length - 1 : 0;
  if (count !== 1) yield `"${name}": ${file} has its text ${count} times. Give it the text that the code has now.`;
  if (find === replace) yield `"${name}" changes nothing.`;
  if (equivalent === '') yield `"${name}" does not say why it is equivalent.`;
  if (noticedBy === 'types') return;
  const files = noticedBy.files.map((test) => testFile(noticedBy.level, test));
  const missing = files.filter((path) => !existsSync(path));
  for (const path of missing) yield `"${name}": ${path} does not exist.`;
  if (noticedBy.files.includes('mutations')) yield `"${name}" would be noticed by this test, which reads its text.`;
  const { only } = noticedBy;
  if (only === undefined || missing.length > 0) return;
  if (![...files, ...shared].some((path) => readFileSync(path, 'utf8').includes(only)))
    yield `"${name}": no test has "${only}" in its name.`;
}

// `npm run mutations` takes long, so `npm test` does not contain it. What makes the list useless is found here.
describe('the list of mutations', () => {
  test('each mutation replaces a text that occurs once in its file, and names tests that exist', () => {
    expect(all.flatMap((mutation) => [...problemsOf(mutation)])).toEqual([]);
  });

  test('no two mutations of an area have the same name', () => {
    for (const list of Object.values(mutations)) {
      const names = list.map(({ name }) => name);
      expect(names.filter((name, index) => names.indexOf(name) < index)).toEqual([]);
    }
  });
});
