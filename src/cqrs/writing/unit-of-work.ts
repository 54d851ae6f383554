import type { SQL } from 'drizzle-orm';
import type { Database, Statement } from '../../platform/d1';
import type { CommitPoint } from '../log/consistency-token';
import type { EventMetadata, NewEvent } from '../log/event';
import { commandErrors } from './errors';
import type { VersionConditions } from './expected-version';

/** The keyed hashes of one payload; see `requestHashes` of {@link CommandContext}. */
export type RequestHashes = readonly [current: string, ...previous: string[]];

/** The data that every command carries from its request to its events. */
export interface CommandContext<Caller = unknown> extends VersionConditions {
  /**
   * A hash of the `Idempotency-Key` and its scope, or a new id if no key was sent. Where there is no caller, the command
   * runner adds a keyed hash of the payload, so that strangers who use the same key share nothing.
   */
  commandId: string;
  /**
   * The id of the first event that the first attempt records: the command's or the request's id, if nobody else can have
   * made it. The log then finds the event by this one id, and needs no index entry for the command or the request.
   */
  firstEventId?: string | undefined;
  /** The ids that this command had with earlier secrets, under which its response may be stored. */
  formerCommandIds?: readonly string[];
  /** Whether the same `commandId` may arrive again, and must then get the stored response. */
  isRepeatable?: boolean;
  /**
   * The command runner sets it for a repeatable command: the hash of the payload with each secret, the current one first.
   * The first hash is stored; any of them recognises the payload later.
   */
  requestHashes?: RequestHashes;
  /**
   * The command runner sets it for strangers: no response is stored where nothing was changed, such as when a token is
   * revoked that nobody knows. No limit counts these commands, and their responses would fill the table.
   */
  storesOnlyChanges?: boolean;
  /** Milliseconds since the Unix epoch. */
  issuedAt: number;
  requestId: string;
  traceparent?: string | undefined;
  /** The account that acts, for the audit trail; absent for a visitor or the system. */
  actorId?: string | undefined;
  /** The API key with which the account acts, for the audit trail. */
  keyId?: string | undefined;
  /** The sender of the command, who is not checked yet. */
  caller?: Caller | undefined;
  /** Where state is loaded from: a D1 bookmark, `first-unconstrained` (the nearest replica) or `first-primary`. */
  readFrom: string;
}

/** The tools of a repository on D1. */
export interface RepositoryContext {
  /** For reads, which see committed data only. */
  db: Database;
  /** Adds a write to the one commit. */
  stage(statement: Statement): void;
  /**
   * Adds a condition that the commit itself checks. Where a command ends without a commit, the unit of work evaluates
   * the condition on the primary before the command's outcome is returned.
   * @param refuse makes the error for a condition that is false; after a ConcurrencyError the command is tried again
   */
  guard(condition: SQL, refuse: () => Error): void;
}

/** The tools of a command's handler: the repositories, and the recording of events. */
export type Transaction<Repositories> = Repositories & {
  /** @throws ZodError for an event that does not fit its own schema */
  record(event: NewEvent): void;
};

/** The outcome of a command. */
export interface Committed<Result> {
  result: Result;
  /** The end of the log after the command, also for a command that changed nothing. */
  commit: CommitPoint;
  /** True for a stored response: the command was carried out before, and changed nothing this time. */
  isReplayed?: boolean;
}

/** A command as the unit of work runs it. */
export interface Work<Actor, Repositories, Result> {
  /** Checks the caller. The guards of this check are also read when the command ends without a commit. */
  authorize(tx: Repositories): Actor;
  handle(actor: Actor, tx: Transaction<Repositories>): Promise<Result> | Result;
}

/**
 * Collects the changes of a command, and commits all or none of them: state, events and deliveries in one batch. After
 * an exception from `handle` nothing is committed.
 * @throws ConcurrencyError when the state from which the command decided has changed before the commit
 * @throws DomainError for a guard that is false, and for a constraint of the database (a taken e-mail address)
 */
export interface UnitOfWork<Repositories> {
  run<Actor, Result>(context: CommandContext, work: Work<Actor, Repositories, Result>): Promise<Committed<Result>>;
}

/** @throws DomainError `http.idempotency-key-reused` when the id arrives with another payload than the first time */
export function requireSameRequest(stored: string, requestHashes: RequestHashes): void {
  if (!requestHashes.includes(stored)) throw commandErrors.idempotencyKeyReused({});
}

export function eventMetadata(context: CommandContext): EventMetadata {
  const { commandId, actorId, keyId, requestId, traceparent } = context;
  return { commandId, actorId, keyId, requestId, traceparent };
}
