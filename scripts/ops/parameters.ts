// The forms of what a person types: each is read before anything is sent.
import { readFileSync } from 'node:fs';
import type { Argument, Flag, Parameter } from './command';

const uuidForm = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
const isId = (text: string) => uuidForm.test(text);

/** A text of one form, which goes to the API as it is. */
export function textOf(placeholder: string, says: string, form: string, isForm: (text: string) => boolean) {
  return { placeholder, says, form, read: (text) => (isForm(text) ? text : undefined) } satisfies Parameter<string>;
}

/** Any text but an empty one, which mostly is a variable of a shell that has no value. */
export const anyText = (placeholder: string, says: string) =>
  textOf(placeholder, says, 'a text', (text) => text !== '');

/** An id as the API has it. */
export const id = (says: string, placeholder = 'ID') => textOf(placeholder, says, 'an ID', isId);

/** One of a few words. */
export function oneOf<const Word extends string>(placeholder: string, words: readonly Word[], says: string) {
  return {
    placeholder,
    says: `${says}: ${words.join(', ')}`,
    form: `one of ${words.join(', ')}`,
    read: (text) => words.find((word) => word === text),
  } satisfies Parameter<Word>;
}

export const flag = (says: string): Flag => ({ says });

/** Lets a flag stand in the place of an argument. */
export const unless = <Value, Name extends string>(name: Name, parameter: Argument<Value>) => ({
  ...parameter,
  unless: name,
});

/** How many rows a list has at most. */
const limit: Parameter<number> = {
  placeholder: 'N',
  says: 'so many rows, up to 100',
  form: 'a whole number from 1 to 100',
  read: (text) => (/^([1-9]\d?|100)$/.test(text) ? Number(text) : undefined),
};

/** The options of every list. */
export const page = { limit, cursor: anyText('CURSOR', 'the next page, as the page before names it') };

/** The options of a list that can begin with its oldest row. */
export const sortedPage = { ...page, order: oneOf('ORDER', ['newest', 'oldest'], 'which rows come first') };

/** A person, as people name one. */
export type UserName = { id: string } | { email: string } | 'me';

/** An account: its e-mail address or its id, or the account in whose name this program runs. */
export const user = (says: string): Parameter<UserName> => ({
  placeholder: 'USER',
  says: `${says}: an e-mail address, an ID or \`me\``,
  form: 'an e-mail address, an ID or `me`',
  read(text) {
    if (text === 'me') return 'me';
    if (isId(text)) return { id: text };
    return /^[^\s@]+@[^\s@]+$/.test(text) ? { email: text.toLowerCase() } : undefined;
  },
});

/** An order, as people name one. */
export type OrderName = { id: string } | { number: number };

/** An order: its short number or its id. */
export const order: Parameter<OrderName> = {
  placeholder: 'ORDER',
  says: "its number, such as 1001 or '#1001', or its ID",
  form: 'the number of an order, such as 1001, or its ID',
  read(text) {
    if (isId(text)) return { id: text };
    const [, number] = /^#?([1-9]\d{0,14})$/.exec(text) ?? [];
    return number === undefined ? undefined : { number: Number(number) };
  },
};

/** A longer text; `-` takes it from the standard input, for scripts and for texts of several lines. */
export const message = (says: string): Parameter<string> => ({
  placeholder: 'TEXT',
  says: `${says}; - reads it from the standard input`,
  form: 'a text',
  read: (text) => (text === '-' ? readFileSync(0, 'utf8') : text).trim() || undefined,
});
