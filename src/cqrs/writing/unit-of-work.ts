import type { SQL } from 'drizzle-orm';
import type { Database, Statement } from '../../platform/d1';
import type { CommitPoint } from '../log/consistency-token';
import type { EventMetadata, NewEvent } from '../log/event';
import { commandErrors } from './errors';

/** What every command carries from its request to its events. */
export interface CommandContext<Caller = unknown> {
  /** A hash of the `Idempotency-Key` and its scope, or a new id where no key was sent. */
  commandId: string;
  /** Whether the same `commandId` may arrive again, and must then get the stored response. */
  isRepeatable?: boolean;
  /** The command runner sets it for a repeatable command: a different payload under the same id has another hash. */
  requestHash?: string;
  /** Milliseconds since the Unix epoch. */
  issuedAt: number;
  requestId: string;
  traceparent?: string | undefined;
  /** The account that acts, for the audit trail; absent for a visitor or the system. */
  actorId?: string | undefined;
  /** Who sends the command, before any check. */
  caller?: Caller | undefined;
  /** Where state is loaded from: a D1 bookmark, `first-unconstrained` (the nearest replica) or `first-primary`. */
  readFrom: string;
  /** The version that the caller has read (`If-Match`); any other version is refused. */
  expectedVersion?: number | undefined;
}

/** What a repository on D1 works with. */
export interface RepositoryContext {
  /** Reads see what is committed. */
  db: Database;
  /** Adds a write to the one commit. */
  stage(statement: Statement): void;
  /**
   * Adds a condition that the commit itself checks. Where a command ends without a commit, the unit of work evaluates
   * the condition on the primary before the command's outcome is returned.
   * @param refuse makes the error for a condition that does not hold; a ConcurrencyError has the command tried again
   */
  guard(condition: SQL, refuse: () => Error): void;
}

/** What a command's handler works with: the repositories of all domains, and the recording of events. */
export type Transaction<Repositories> = Repositories & {
  /** @throws ZodError for an event that does not fit its own schema */
  record(event: NewEvent): void;
};

export interface Committed<Result> {
  result: Result;
  /** The end of the log after the command, also when the command had nothing to change. */
  commit: CommitPoint;
  /** True when the command had been carried out before: this is the stored response, and nothing was changed. */
  isReplayed?: boolean;
}

/** A command's work: who may send it, and what it changes. */
export interface Work<Actor, Repositories, Result> {
  /** Checks who may send the command. A guard that it adds is checked on every way out of the command. */
  authorize(tx: Repositories): Actor;
  handle(actor: Actor, tx: Transaction<Repositories>): Promise<Result> | Result;
}

/**
 * Collects what a command wants to change, and commits all of it or nothing: state, events and deliveries in one batch.
 * An exception from `handle` leaves nothing behind.
 * @throws ConcurrencyError when another commit changed what this command decided on
 * @throws DomainError for a guard that does not hold, and for a constraint of the database (a taken e-mail address)
 */
export interface UnitOfWork<Repositories> {
  run<Actor, Result>(context: CommandContext, work: Work<Actor, Repositories, Result>): Promise<Committed<Result>>;
}

/** @throws DomainError `http.idempotency-key-reused` when the id arrives with another payload than the first time */
export function requireSameRequest(first: string, requestHash: string): void {
  if (first !== requestHash) throw commandErrors.idempotencyKeyReused({});
}

export function eventMetadata(context: CommandContext): EventMetadata {
  const { commandId, actorId, requestId, traceparent } = context;
  return { commandId, actorId, requestId, traceparent };
}
