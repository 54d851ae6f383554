// Reads a command line into a command and its values, or says what is wrong with it before anything is sent.
import { parseArgs } from 'node:util';
import { WrongUsage } from '../command-line';
import type { Command } from './command';
import { commands, groupOf } from './commands';

/** A command with what it is called with. */
export interface Call {
  name: string;
  command: Command;
  values: Readonly<Record<string, unknown>>;
}

/** A call, or the words of which the help is wanted. */
export type Request = Call | { helpOn: readonly string[] };

const types = new Map([...commands.values()].flatMap(({ options = {} }) => Object.entries(options)));
const options = Object.fromEntries(
  [...types].map(([name, { placeholder }]) => [
    name,
    { type: placeholder ? ('string' as const) : ('boolean' as const) },
  ]),
);

/**
 * Reads a command line.
 * @throws WrongUsage for what no command takes
 */
export function parseCall(argv: readonly string[]): Request {
  const { positionals, values } = readArguments(argv);
  const { help, json: isJson, ...given } = values;
  if (help) return { helpOn: positionals };
  const [name, command, rest] = findCommand(positionals);
  if (isJson && command.isText) throw new WrongUsage(`${name} does not take --json: its answer is text.`);
  const read = { ...readOptions(name, command, given), ...readPositionals(name, command, rest, given) };
  return { name, command, values: read };
}

function readArguments(argv: readonly string[]) {
  const common = { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } } as const;
  try {
    return parseArgs({ args: [...argv], allowPositionals: true, options: { ...options, ...common } });
  } catch (error) {
    // Only the first sentence: the others are about a text that begins with a hyphen, which can come from a pipe here.
    const [reason] = error instanceof Error ? error.message.split(/[.\n]/) : [];
    throw new WrongUsage(`${reason}.`);
  }
}

function findCommand([first, second, ...rest]: readonly string[]): [string, Command, readonly string[]] {
  if (first === undefined) throw new WrongUsage('Name a command.');
  const short = commands.get(first);
  if (short) return [first, short, second === undefined ? [] : [second, ...rest]];
  const group = groupOf(first);
  if (!group) throw new WrongUsage(`There is no command "${first}".`);
  const name = `${first} ${second}`;
  const long = commands.get(name);
  if (long) return [name, long, rest];
  const names = Object.keys(group.commands).join(', ');
  throw new WrongUsage(
    second === undefined ? `${first} needs one of ${names}.` : `There is no command "${name}". ${first} has ${names}.`,
  );
}

type Given = Readonly<Record<string, string | boolean | undefined>>;

function readOptions(name: string, { options = {} }: Command, given: Given) {
  for (const option of Object.keys(given)) {
    if (!Object.hasOwn(options, option)) throw new WrongUsage(`${name} does not take --${option}.`);
  }
  return Object.fromEntries(
    Object.entries(options).map(([option, definition]) => {
      const text = given[option];
      if (definition.placeholder === undefined) return [option, text === true];
      if (text === '') throw new WrongUsage(`--${option} needs a value.`);
      return [option, typeof text === 'string' ? readText(`--${option}`, text, definition) : undefined];
    }),
  );
}

function readPositionals(name: string, { takes = {} }: Command, texts: readonly string[], given: Given) {
  const expected = Object.entries(takes).filter(([, { unless }]) => unless === undefined || given[unless] !== true);
  const extra = texts[expected.length];
  if (extra !== undefined) throw new WrongUsage(`${name} does not take "${extra}".`);
  return Object.fromEntries(
    expected.map(([key, definition], index) => {
      const { placeholder, unless } = definition;
      const text = texts[index];
      // An empty text is a shell variable that has no value, and would stand for everything.
      if (!text) throw new WrongUsage(`${name} needs ${placeholder}${unless === undefined ? '' : ` or --${unless}`}.`);
      return [key, readText(placeholder, text, definition)];
    }),
  );
}

function readText(name: string, text: string, { form, read }: { form: string; read(text: string): unknown }) {
  const value = read(text);
  if (value === undefined) throw new WrongUsage(`${name} must be ${form}, not "${text}".`);
  return value;
}
