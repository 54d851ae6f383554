import type { z } from 'zod';
import { ConcurrencyError, DomainError } from '../../platform/errors';
import type { CommandContext, Committed } from './unit-of-work';

/** A command: the schema of its payload, and what carries it out. */
export interface CommandDefinition<Payload, Result> {
  schema: z.ZodType<Payload>;
  handle(payload: Payload, context: CommandContext): Promise<Committed<Result>>;
}

export function defineCommand<Payload, Result>(
  schema: z.ZodType<Payload>,
  handle: CommandDefinition<Payload, Result>['handle'],
): CommandDefinition<Payload, Result> {
  return { schema, handle };
}

/** The commands by their imperative names; each keeps its own payload and result types. */
// biome-ignore lint/suspicious/noExplicitAny: the one bound that a map of differently typed handlers satisfies
export type CommandMap = Record<string, CommandDefinition<any, unknown>>;

type PayloadOf<Definition> = Definition extends CommandDefinition<infer Payload, unknown> ? Payload : never;
type ResultOf<Definition> = Definition extends { handle(...args: never): Promise<Committed<infer Result>> }
  ? Result
  : never;

export type CommandOutcome<Result> = Committed<Result>;

/** The one way to change anything: validates the payload, carries the context, retries what lost a race. */
export interface CommandBus<Commands extends CommandMap> {
  /** @throws DomainError when the command is refused, `concurrency.conflict` when it lost every race. */
  execute<Name extends keyof Commands & string>(
    name: Name,
    payload: PayloadOf<Commands[Name]>,
    context: CommandContext,
  ): Promise<CommandOutcome<ResultOf<Commands[Name]>>>;
}

const tries = 5;

/** Whether a fresh look at the primary could change the answer: a replica may lag behind what the caller knows. */
function dependsOnFreshness(error: unknown, context: CommandContext): boolean {
  if (error instanceof ConcurrencyError) return true;
  return context.readFrom !== 'first-primary' && error instanceof DomainError;
}

/**
 * @param fingerprint a keyed hash, by which a repeated command is told from another one under the same id
 */
export function createBus<Commands extends CommandMap>(
  commands: Commands,
  fingerprint: (text: string) => string,
): CommandBus<Commands> {
  return {
    async execute(name, payload, context) {
      const definition = commands[name];
      if (!definition) throw new Error(`unknown command ${name}`);
      const valid = definition.schema.parse(payload);
      const repeatable = context.isRepeatable && { requestHash: fingerprint(JSON.stringify([name, valid])) };
      const first: CommandContext = { ...context, ...repeatable };
      for (let attempt = 1, current = first; ; attempt++, current = { ...current, readFrom: 'first-primary' }) {
        try {
          const outcome = await definition.handle(valid, current);
          // The definition is the one that the name stands for, so its result is of that command's type.
          return outcome as CommandOutcome<ResultOf<Commands[typeof name]>>;
        } catch (error) {
          if (attempt === tries || !dependsOnFreshness(error, current)) throw error;
        }
      }
    },
  };
}
