import { DomainError } from '../../platform/errors';
import type { EventMetadata, NewEvent } from '../log/event';

/** What every command carries through the bus. */
export interface CommandContext {
  /** Made from the `Idempotency-Key` where one was sent, else a new id. */
  commandId: string;
  /** Whether the same `commandId` may come again, and is then to be answered as the first time. */
  isRepeatable?: boolean;
  /** Set by the bus for a repeatable command: tells another payload under the same id. */
  requestHash?: string;
  /** Milliseconds since the Unix epoch. */
  issuedAt: number;
  requestId: string;
  traceparent?: string | undefined;
  actor?: Actor | undefined;
  /** Where state is loaded from: a D1 bookmark, `first-unconstrained` (the nearest replica) or `first-primary`. */
  readFrom: string;
  /** The version the caller saw (`If-Match`): anything else is refused. */
  expectedVersion?: number | undefined;
}

/** The caller, as the access token states it: what can change since then is checked against D1. */
export interface Actor {
  id: string;
  /** When the token was issued, in milliseconds since the Unix epoch. */
  issuedAt: number;
}

/** @throws DomainError `auth.required` when nobody acts. */
export function requireActor({ actor }: CommandContext): Actor {
  if (!actor) throw new DomainError('unauthenticated', 'auth.required', 'This needs an access token.');
  return actor;
}

/** Where a commit stands in the event log, and how to find a replica that has it. */
export interface CommitPoint {
  position: number;
  bookmark: string | null;
}

/** What a unit of work offers: the domains' repositories, and the recording of events. */
export type Transaction<Repositories> = Repositories & { record(event: NewEvent): void };

export interface Committed<Result> {
  result: Result;
  /** Where the log stands after it, also when there was nothing to change. */
  commit: CommitPoint;
  /** The command had been carried out before: this is the first answer again, and nothing was changed. */
  isReplayed?: boolean;
}

/** @throws DomainError `http.idempotency-key-reused` when the id comes with another payload than the first time. */
export function requireSameRequest(first: string, requestHash: string): void {
  if (first !== requestHash) {
    const message = 'This Idempotency-Key was used with another request.';
    throw new DomainError('invalid', 'http.idempotency-key-reused', message);
  }
}

/**
 * Collects what a command wants to change, and commits it whole or not at all: state, events and deliveries in one batch.
 * Leaving `work` by an exception leaves nothing behind.
 * @throws ConcurrencyError when another commit took one of the streams' versions first.
 * @throws DomainError for a constraint that the database holds (a taken e-mail, stock below zero).
 */
export interface UnitOfWork<Repositories> {
  run<Result>(
    context: CommandContext,
    work: (tx: Transaction<Repositories>) => Promise<Result>,
  ): Promise<Committed<Result>>;
}

export function eventMetadata(context: CommandContext): EventMetadata {
  return {
    commandId: context.commandId,
    actorId: context.actor?.id,
    requestId: context.requestId,
    traceparent: context.traceparent,
  };
}
