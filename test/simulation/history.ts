import type { Caller } from '../../src/access/caller';
import type { Services } from '../../src/composition';
import type { EventCatalogue } from '../../src/cqrs/log/event';
import type { View } from '../../src/cqrs/reading/view';
import type { Commands, Queries } from '../../src/domains';
import type { Refusal } from '../../src/email/email-sender';
import type { Sellers } from '../../src/items/sellers';
import type { limits } from '../../src/platform/limits';
import type { Hardships } from './hardships';
import type { Process } from './process';
import type { World } from './world';

// The contract between the world (platform, faults, versions, restore) and the clients of the shop, which are written
// apart: the world starts clients, and clients send requests to processes of the Worker that the world chooses.

/**
 * One version of the Worker's code, with modules of its own. `instanceof` with a class of another version is false, so
 * ask the version what an error is.
 */
export interface Release {
  number: 1 | 2;
  compose: typeof import('../../src/composition').compose;
  runSchedule: typeof import('../../src/schedule').runSchedule;
  views: readonly View[];
  eventCatalogue: EventCatalogue;
  limits: typeof limits;
  /** Limit the operations of a request to the scopes of its API key, as app.ts does. */
  limitCommands(caller: Caller | undefined, commands: Commands): Commands;
  limitQueries(caller: Caller | undefined, queries: Queries): Queries;
  /** Whether an error is a refusal with a code of the catalogue (4xx). */
  isRefusal(error: unknown): error is Error & { code: string; kind: string; details: Record<string, unknown> };
  /** Whether an error is answered with 503, and a command may have been carried out all the same. */
  isUnavailable(error: unknown): boolean;
  /** Whether a part of the platform failed, which is answered with 500 unless the code knows better. */
  isOfPlatform(error: unknown): boolean;
  /** The error of a provider that did not accept an e-mail, for good or for now. */
  createEmailError(code: string, refusal: Refusal): Error;
}

/** One request as the process of the Worker sees it. */
export interface Invocation {
  process: Process;
  release: Release;
  services: Services;
  /** The `EPOCH` of the deployment that received the request. A consistency token consists of it and the commit point. */
  epoch: string;
}

/** The process that handled a request died, or it gave no answer in time. What the request asked for may have happened. */
export class NoResponse extends Error {
  override readonly name = 'NoResponse';
}

/** An e-mail that the provider accepted, whether or not the sender learned of it. */
export interface AcceptedEmail {
  messageId: string;
  to: string;
  text: string;
  /** The real time, which no process knows exactly. */
  at: number;
}

/** What the world offers to the clients. */
export interface Platform {
  readonly world: World;
  readonly hardships: Hardships;
  /** Who may sell items in this history. */
  readonly sellers: Sellers;
  /** The two versions of the code; which of them run changes during a history. */
  readonly releases: readonly [Release, Release];
  /** D1's primary without faults and without a delay, for the set-up and the checks. */
  readonly d1: {
    query<Row extends Record<string, unknown>>(sql: string, ...params: (string | number | null)[]): Row[];
    /** Grows with each batch that changes the database; a restore takes it back. */
    readonly moment: number;
  };
  /** Whether the lines of an order could not be read for a time, so that the sales figures wait for their next comparison. */
  readonly hadBrokenOrder: boolean;
  /** What KV holds, by key. */
  readonly documents: ReadonlyMap<string, string>;
  /** In the order in which the provider accepted them. */
  readonly emails: readonly AcceptedEmail[];
  /** The `EPOCH` of the newest deployment: '1', soon after the first restore '2', and so on. */
  readonly epoch: string;
  /**
   * Starts a client. A client lives outside of the Worker and does not die. An error that `run` throws ends the history
   * as a violation, so catch what a client may meet.
   */
  startClient(name: string, run: (client: Process) => Promise<void>): void;
  /**
   * Sends a request to a process of the Worker, which may be of either version, has a clock and a location of its own,
   * and may die.
   * @param client the requests of one client mostly arrive at the same location
   * @throws NoResponse when the process died; the errors of `run` otherwise
   */
  request<Result>(name: string, client: Process, run: (invocation: Invocation) => Promise<Result>): Promise<Result>;
}

/** D1 went back in time: the log ends at `position` again. The new `EPOCH` is deployed now or soon. */
export interface Restored {
  position: number;
  /** The real time of the restore. Requests that began before it may end in either history. */
  at: number;
}

/** What the clients offer to the world. */
export interface Clients {
  /** Makes the accounts with which the traffic begins, without faults. */
  setUp(): Promise<void>;
  /** One client does one thing, such as sending a command or reading; it must return at once. */
  act(): void;
  /** Looks at the log before something in it is destroyed. */
  observe(): void;
  /** D1 was restored. The clients forget what is not in the log any more. It must return at once. */
  restored(event: Restored): void;
  /** The part of an operator who follows docs/operations.md; each promise ends when the request has ended. */
  operator: {
    /** Signs in, so that the next command of the operator changes no account. */
    signIn(): Promise<void>;
    startRebuild(view: string): Promise<void>;
    replayDeadLetters(): Promise<void>;
    /** Discards what is dead of the projections. */
    discardProjections(): Promise<void>;
    /** Deletes again the accounts that were deleted after the restored moment. */
    deleteAccountsAgain(): Promise<void>;
  };
  /**
   * Reads with tokens of commands, when all work has been done for more than a minute. Ends when all reads have ended.
   * @param hasFloors documents have missed an event, and no reconciler has projected them again
   * @throws InvariantViolation for a read that KV could not answer although it has the document
   */
  readAtRest(hasFloors: boolean): Promise<void>;
  /**
   * Repeats commands that have no clear answer yet, under their keys, when there are no faults any more.
   * @throws InvariantViolation for one that gets no clear answer
   */
  repeatOpen(): Promise<void>;
  /** Whether a client still waits for something, so that the recovery cannot end. */
  readonly isBusy: boolean;
  /** Names and addresses of accounts that are deleted: no document of any shape may contain one of these texts. */
  erasedTexts(): readonly string[];
  /** Checks the history, after all work has ended. @throws InvariantViolation */
  check(): Promise<void>;
  /** Figures for the report: the sum of each over all histories is printed, and none of them may be zero. */
  figures(): Readonly<Record<string, number>>;
}

export type CreateClients = (platform: Platform) => Clients;
