import { describe, expect, test } from 'vitest';
import { languages } from '../../console/src/texts/languages';

/** Each text with its path, `ticket.reply.label`. */
function textsOf(value: unknown, path = ''): [path: string, text: string][] {
  if (typeof value === 'string') return [[path, value]];
  return Object.entries(value as object).flatMap(([name, part]) => textsOf(part, path ? `${path}.${name}` : name));
}

const placeholdersOf = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

describe('the texts of the console', () => {
  const german = new Map(textsOf(languages.de));
  const english = textsOf(languages.en);

  test('are the same ones in both languages', () => {
    expect([...german.keys()].sort()).toEqual(english.map(([path]) => path).sort());
  });

  test.each(english)('leave open the same in both languages: %s', (path, text) => {
    expect(placeholdersOf(german.get(path) ?? '')).toEqual(placeholdersOf(text));
  });

  test('are not empty', () => {
    expect([...english, ...german].filter(([, text]) => text.trim() === '')).toEqual([]);
  });
});
