import type * as z from 'zod';
import { isoTime, type Wait } from '../../platform/clock';
import { DomainError } from '../../platform/errors';
import { backoffMs } from '../../platform/retry';
import { ConcurrencyError } from './errors';
import type { VersionConditions } from './expected-version';
import type { CommandContext, Committed, RequestHashes, Transaction, UnitOfWork } from './unit-of-work';

/** The facts about a command that its handler gets in addition to the payload. */
export interface CommandDetails<Actor> extends VersionConditions {
  /** The account that acts, as the command's access rule returned it. */
  actor: Actor;
  /** When the command was issued, in milliseconds since the Unix epoch. */
  issuedAt: number;
  /** The same time in ISO 8601, the form of times in state. */
  at: string;
}

/** The definition of a command: its input, its access rule and its handler. */
export interface CommandDefinition<Payload, Actor, Result, Repositories, Caller> {
  input: z.ZodType<Payload>;
  /** The access rule. Every command has one; the rule `anyone` requires no credentials. */
  onlyIf(caller: Caller | undefined, tx: Repositories): Actor;
  handle(payload: Payload, tx: Transaction<Repositories>, details: CommandDetails<Actor>): Promise<Result> | Result;
  /** Set for a command whose response must not be stored under an Idempotency-Key, because it contains a secret. */
  isNeverStored?: boolean;
  /** Set for a command whose first attempt must already read the primary. */
  readsPrimary?: boolean;
}

/** A command that is bound to a request. */
export type Command<Payload, Result> = (payload: Payload) => Promise<Committed<Result>>;

/** Turns a definition into a command of the current request; each domain's `commands.ts` uses this function. */
export type DefineCommand<Repositories, Caller> = <Payload, Actor, Result>(
  definition: CommandDefinition<Payload, Actor, Result, Repositories, Caller>,
) => Command<Payload, Result>;

const attempts = 5;

/** The pauses after a lost race. A commit takes some tens of milliseconds. */
const pauses = { firstMs: 40, longestMs: 500 };

/**
 * Whether another attempt on the primary can end differently: the state may have changed, or a replica was too old. A
 * command that is `unavailable` may have been carried out, so it must not run again with new events.
 */
function mayDifferOnPrimary(error: unknown, context: CommandContext): boolean {
  if (error instanceof ConcurrencyError) return true;
  return context.readFrom !== 'first-primary' && error instanceof DomainError && error.kind !== 'unavailable';
}

/**
 * The runner of all commands. It validates the payload, recognises a repeated command and runs the unit of work. A
 * command that lost a race, or that was refused with the data of a replica, runs again on the primary.
 * @param fingerprints keyed hashes of a text, one for each secret, to recognise another payload under the same command id
 * @param contextOf makes the request's context when a command is sent
 * @param countRetry is called for each time that a command runs again
 */
export function createDefineCommand<Repositories, Caller>(
  unitOfWork: UnitOfWork<Repositories>,
  fingerprints: (text: string) => RequestHashes,
  contextOf: () => CommandContext<Caller>,
  wait: Wait,
  countRetry: () => void,
): DefineCommand<Repositories, Caller> {
  /** What a repeatable command is recognised by. Strangers have only their payload to tell them apart. */
  function identify({ caller, commandId }: CommandContext<Caller>, payload: unknown) {
    const text = JSON.stringify(payload);
    const requestHashes = fingerprints(text);
    if (caller !== undefined) return { requestHashes };
    const [ownId, ...formerIds] = fingerprints(`${commandId} ${text}`);
    return { requestHashes, commandId: ownId, formerCommandIds: formerIds, storesOnlyChanges: true };
  }

  return ({ input, onlyIf, handle, isNeverStored = false, readsPrimary = false }) =>
    async (payload) => {
      const valid = input.parse(payload);
      const context = contextOf();
      const isRepeatable = context.isRepeatable === true && !isNeverStored;
      const work = {
        authorize: (tx: Repositories) => onlyIf(context.caller, tx),
        handle(actor: ReturnType<typeof onlyIf>, tx: Transaction<Repositories>) {
          const { issuedAt, expectedVersion, unexpectedVersions } = context;
          return handle(valid, tx, { actor, issuedAt, at: isoTime(issuedAt), expectedVersion, unexpectedVersions });
        },
      };
      let current: CommandContext = { ...context, isRepeatable, ...(isRepeatable && identify(context, valid)) };
      if (readsPrimary) current = { ...current, readFrom: 'first-primary' };
      for (let attempt = 1; ; attempt++) {
        try {
          return await unitOfWork.run(current, work);
        } catch (error) {
          if (!mayDifferOnPrimary(error, current)) throw error;
          if (attempt === attempts) throw error instanceof ConcurrencyError ? new ConcurrencyError(attempts) : error;
          countRetry();
          // What a replica decided runs again at once, because the primary decides about other data.
          if (current.readFrom === 'first-primary') await wait(backoffMs(attempt, pauses));
          current = { ...current, readFrom: 'first-primary', firstEventId: undefined };
        }
      }
    };
}
