import { describe, expect, test } from 'vitest';
import { languages } from '../../console/src/texts/languages';

/** Each text with its path, `ticket.reply.label`. */
function textsOf(value: unknown, path = ''): [path: string, text: string][] {
  if (typeof value === 'string') return [[path, value]];
  return Object.entries(value as object).flatMap(([name, part]) => textsOf(part, path ? `${path}.${name}` : name));
}

const placeholdersOf = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

describe('the texts of the console (product 13.10)', () => {
  // The API says in English itself what `api` has in other languages.
  const textsIn = ({ api: _, ...others }: (typeof languages)['de' | 'en']) => textsOf(others);
  const german = new Map(textsIn(languages.de));
  const english = textsIn(languages.en);

  test('are the same ones in both languages', () => {
    expect([...german.keys()].sort()).toEqual(english.map(([path]) => path).sort());
  });

  test.each(english)('leave open the same in both languages: %s', (path, text) => {
    expect(placeholdersOf(german.get(path) ?? '')).toEqual(placeholdersOf(text));
  });

  test('are not empty', () => {
    expect([...english, ...german].filter(([, text]) => text.trim() === '')).toEqual([]);
  });

  // Two words for one thing make people look for the difference.
  test.each([
    ['Kundschaft', german, /\bKund(?:in|e|en)\b/],
    ['Warteschlange', german, /\bQueue/],
    ['HTTP-Anfrage, because an Anfrage is a ticket', german, /Anfrage-Nummer|Request/],
    ['Ereignisprotokoll, because servers have logs too', german, /^(?!.*[Ss]erver).*\bProtokolls?\b/],
    ['ID', german, /\bIds?\b/],
    ['event log', new Map(english), /audit/i],
    ['recheck', new Map(english), /(?:checked|made) again/],
  ])('say %s and no other word for it', (_, all, others) => {
    expect([...all].filter(([, text]) => others.test(text))).toEqual([]);
  });
});
