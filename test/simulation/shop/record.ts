import type { Commands, Queries } from '../../../src/domains';
import type { Credential, HeldToken } from './knowledge';
import type { Answer, Reading } from './queries';
import type { Caller } from './state';
import { canonical } from './violate';

/** The positions of the log between the sending of a request and its answer. */
export interface Span {
  segment: number;
  from: number;
  /** When the request was sent, in real time. */
  sentAt: number;
  /** Undefined while there is no answer, and where a restore came in between. */
  until?: number | undefined;
  answeredAt?: number | undefined;
}

export type CommandAnswer =
  | {
      kind: 'acknowledged';
      result: unknown;
      commit: { position: number; bookmark: string | null };
      isReplayed: boolean;
    }
  | { kind: 'refused'; code: string }
  /** 503: nobody knows whether the command was carried out. */
  | { kind: 'unavailable' }
  /** 500: the command had no effect. */
  | { kind: 'failed' }
  /** The process died, or a restore came in between. The command may have been carried out. */
  | { kind: 'unanswered' };

/** Whether a client cannot know from the answer what became of the command. */
export function isOpen({ kind }: CommandAnswer): boolean {
  return kind === 'unavailable' || kind === 'failed' || kind === 'unanswered';
}

/**
 * What makes requests the same command: the key. Strangers share no keys with each other, so for a caller without an
 * account the body belongs to it.
 */
export function identityOf({ caller, commandId, payload }: Attempt): string {
  return caller ? commandId : `${commandId} ${canonical(payload)}`;
}

/** One request with a command. Requests with the same key have the same command id. */
export interface Attempt extends Span {
  requestId: string;
  commandId: string;
  name: keyof Commands;
  payload: unknown;
  caller: Caller | undefined;
  by: Credential | undefined;
  expectedVersion: number | undefined;
  isRepeatable: boolean;
  /** The clock of the process that received the request; undefined if none did. */
  issuedAt: number | undefined;
  /** The read models that the version of this process knows. */
  views: readonly string[];
  answer: CommandAnswer;
}

export type ReadAnswer = { kind: 'read'; answer: Answer } | { kind: 'refused'; code: string } | { kind: 'failed' };

/** One request with a query. */
export interface ReadRecord extends Span {
  name: keyof Queries;
  reading: Reading;
  token: HeldToken | undefined;
  answer: ReadAnswer;
  /** Whether the deployment that received it had the epoch of the token. */
  isTokenCurrent: boolean;
  /** Whether its process had the `EPOCH` of this part of the log. Until then KV answers with the history before a restore. */
  isEpochCurrent: boolean;
}
