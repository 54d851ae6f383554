import type { z } from 'zod';
import { isoTime } from '../../platform/clock';
import { DomainError } from '../../platform/errors';
import { ConcurrencyError } from './errors';
import type { CommandContext, Committed, Transaction, UnitOfWork } from './unit-of-work';

/** What a handler knows of the command beside its payload. */
export interface CommandDetails<Actor> {
  /** Who acts, as the command's access rule returned it. */
  actor: Actor;
  /** When the command was issued, in milliseconds since the Unix epoch. */
  issuedAt: number;
  /** The same time in ISO 8601, the form in which state holds times. */
  at: string;
  /** The version of `If-Match`, for `requireVersion`. */
  expectedVersion: number | undefined;
}

/** A command: what it takes, who may send it, and what it does. */
export interface CommandDefinition<Payload, Actor, Result, Repositories, Caller> {
  input: z.ZodType<Payload>;
  /** The access rule. There is no command without one: `anyone` says that the command needs no credentials. */
  onlyIf(caller: Caller | undefined, tx: Repositories): Actor;
  handle(payload: Payload, tx: Transaction<Repositories>, details: CommandDetails<Actor>): Promise<Result> | Result;
  /** Set for a response that must not be stored under an Idempotency-Key, because it holds a secret. */
  isNeverStored?: boolean;
  /** Set for a command that cannot use a replica: the primary answers its first read. */
  readsPrimary?: boolean;
}

/** A command that is bound to its request. */
export type Command<Payload, Result> = (payload: Payload) => Promise<Committed<Result>>;

/** Turns a definition into a function for the request at hand; each domain's `commands.ts` is written with it. */
export type DefineCommand<Repositories, Caller> = <Payload, Actor, Result>(
  definition: CommandDefinition<Payload, Actor, Result, Repositories, Caller>,
) => Command<Payload, Result>;

const attempts = 5;

/** Whether the primary might decide differently: a replica may lag behind what the caller knows. */
function mayDifferOnPrimary(error: unknown, context: CommandContext): boolean {
  if (error instanceof ConcurrencyError) return true;
  return context.readFrom !== 'first-primary' && error instanceof DomainError;
}

/**
 * The one place around every command: it validates the payload, recognises a repeated command, runs the unit of work,
 * and tries again from the primary what lost a race or was decided on a replica.
 * @param fingerprint a keyed hash, by which another payload under the same command id is recognised
 * @param contextOf makes the request's context when a command is sent
 */
export function createDefineCommand<Repositories, Caller>(
  unitOfWork: UnitOfWork<Repositories>,
  fingerprint: (text: string) => string,
  contextOf: () => CommandContext<Caller>,
): DefineCommand<Repositories, Caller> {
  return ({ input, onlyIf, handle, isNeverStored = false, readsPrimary = false }) =>
    async (payload) => {
      const valid = input.parse(payload);
      const context = contextOf();
      const isRepeatable = context.isRepeatable === true && !isNeverStored;
      const requestHash = isRepeatable && { requestHash: fingerprint(JSON.stringify(valid)) };
      const work = {
        authorize: (tx: Repositories) => onlyIf(context.caller, tx),
        handle(actor: ReturnType<typeof onlyIf>, tx: Transaction<Repositories>) {
          const { issuedAt, expectedVersion } = context;
          return handle(valid, tx, { actor, issuedAt, at: isoTime(issuedAt), expectedVersion });
        },
      };
      let current: CommandContext = { ...context, isRepeatable, ...requestHash };
      if (readsPrimary) current = { ...current, readFrom: 'first-primary' };
      for (let attempt = 1; ; attempt++) {
        try {
          return await unitOfWork.run(current, work);
        } catch (error) {
          if (!mayDifferOnPrimary(error, current)) throw error;
          if (attempt === attempts) throw error instanceof ConcurrencyError ? new ConcurrencyError(attempts) : error;
          current = { ...current, readFrom: 'first-primary' };
        }
      }
    };
}
