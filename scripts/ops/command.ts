// What a command of `npm run ops` is. Parsing, checks and help derive from these definitions, so they cannot disagree.
import type { Client } from '../../src/client';

/** A text that a person types for a command: how the help names it, which form it has, and how it is read. */
export interface Parameter<Value> {
  /** What stands for it in the help, such as `ID`. */
  placeholder: string;
  /** What it is, for the help. */
  says: string;
  /** What it must be, for the person who typed something else. */
  form: string;
  /** Returns undefined for a text of another form. */
  read(text: string): Value | undefined;
}

/** An option without a value. */
export interface Flag {
  placeholder?: undefined;
  says: string;
}

/** An argument that must be given, unless a flag takes its place. */
export type Argument<Value = unknown> = Parameter<Value> & { unless?: string };

type Arguments = Readonly<Record<string, Argument>>;
type Options = Readonly<Record<string, Parameter<unknown> | Flag>>;

type ArgumentValue<Given> = Given extends { unless: string } ? Read<Given> | undefined : Read<Given>;
type OptionValue<Given> = Given extends Parameter<infer Value> ? Value | undefined : boolean;
type Read<Given> = Given extends Parameter<infer Value> ? Value : never;
type Values<A, O> = { [Name in keyof A]: ArgumentValue<A[Name]> } & { [Name in keyof O]: OptionValue<O[Name]> };

/** The API that a command talks to, in the session of the person who runs it. */
export interface Context {
  url: string;
  api: Client['api'];
}

/** What a command found or did. */
export interface Answer {
  /** The document of the API, for `--json`; null for an answer without a body. */
  json: unknown;
  /** The same for people. */
  text: string;
  /** Whether what the command asked for did not come true, although the API answered. */
  hasFailed?: boolean;
}

interface Definition<A extends Arguments, O extends Options> {
  /** What the command does, for the help. */
  says: string;
  /** What must be typed after the name, in this order. */
  takes?: A;
  options?: O;
  /** Whether the command works without an account. */
  isPublic?: boolean;
  /** Whether the API's answer is text, so that `--json` has nothing to print. */
  isText?: boolean;
  /** The names of arguments and options differ, so both are in one object. */
  run(context: Context, values: Values<A, O>): Promise<Answer>;
}

/** A command whose values were read by its own parameters. */
export interface Command extends Omit<Definition<Arguments, Options>, 'run'> {
  run(context: Context, values: Readonly<Record<string, unknown>>): Promise<Answer>;
}

/** Defines a command; its `run` gets values of the types that its parameters read. */
export function command<
  const A extends Arguments = Record<never, never>,
  const O extends Options = Record<never, never>,
>(definition: Definition<A, O>): Command {
  // Only `parseCall` makes values, with the parameters of the same definition.
  return definition as unknown as Command;
}

/** The commands of a group by their names. */
export type Group = Readonly<Record<string, Command>>;
