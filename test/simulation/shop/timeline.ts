import type { AcceptedEmail } from '../history';
import type { Segment } from './log';
import { outcomesOf } from './model';
import type { LoggedEvent } from './queries';
import { type Attempt, identityOf } from './record';
import type { Chosen, Done, ModelRequest } from './rule';
import { emptyState, type State } from './state';
import { violate } from './violate';

/** The events that one request appended. */
export interface Commit {
  attempt: Attempt;
  from: number;
  /** The position of its last event, which is the one that the answer names. */
  position: number;
  outcome: Done;
}

/** The states of the model after each position of a segment's log, and the commits that made them. */
export interface Timeline {
  segment: Segment;
  /** By position; the first one is the empty shop. */
  states: State[];
  /** The positions at which a commit ends, and 0. A commit can leave the state as it was, and have an event all the same. */
  ends: ReadonlySet<number>;
  /** By command id. */
  commits: Map<string, Commit>;
}

/** What the checks look up in the whole history. */
export interface Facts {
  attempts: ReadonlyMap<string, Attempt>;
  sellers: ModelRequest['sellers'];
  linkMs: number;
  resetOf(token: string): string | undefined;
  linkOf(token: string): string | undefined;
}

/** The id of the event that an e-mail is about, which its own id contains. */
export function eventOf(messageId: string): string {
  return /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(messageId)?.[0] ?? messageId;
}

/** The reset that a token of an e-mail is for: the e-mail has the id of the event, and the event is in the reset's stream. */
export function createResetOf(emails: readonly AcceptedEmail[], segments: readonly Segment[]): Facts['resetOf'] {
  const streams = new Map(segments.flatMap(({ events }) => events.map(({ id, streamId }) => [id, streamId] as const)));
  const resets = new Map(
    emails.map(({ messageId, text }) => [/\/reset#token=(\S+)/.exec(text)?.[1] ?? '', streams.get(eventOf(messageId))]),
  );
  return (token) => resets.get(token);
}

/** The link that a token of an e-mail is for, whose id is a part of the token. */
export function createLinkOf(emails: readonly AcceptedEmail[]): Facts['linkOf'] {
  const mailed = new Set(emails.map(({ text }) => /\/confirm-email#token=(\S+)/.exec(text)?.[1]));
  return (token) => (mailed.has(token) ? token.split('.')[0] : undefined);
}

export function requestOf(attempt: Attempt, { linkMs, linkOf, resetOf, sellers }: Facts): ModelRequest {
  const { name, payload, caller, expectedVersion, views, issuedAt = 0 } = attempt;
  return { name, payload, caller, expectedVersion, issuedAt, views, sellers, linkMs, linkOf, resetOf };
}

const describe = ({ type, streamId, version }: LoggedEvent) => `${type} ${streamId} ${version}`;

/** What the code chose for a commit: the ids in its events, and the tokens in its answer. */
function chosenIn(own: readonly LoggedEvent[], { requestId, answer }: Attempt): Chosen {
  const [first] = own;
  const result = answer.kind === 'acknowledged' ? (answer.result as { refresh_token?: string } | null) : null;
  return {
    id: first?.streamId ?? '',
    refreshToken: result?.refresh_token ?? `of request ${requestId}`,
    linkId: String(own.find(({ type }) => type === 'EmailConfirmationRequested')?.data.confirmationId ?? ''),
  };
}

/** Whether the log has exactly the events that the model expects; the model does not know every version. */
function isSame(expected: readonly string[], events: readonly LoggedEvent[]): boolean {
  const left = events.map((event) => `${describe(event)} `);
  if (left.length !== expected.length) return false;
  return expected.every((one) => {
    const index = left.findIndex((text) => text.startsWith(`${one} `));
    return index >= 0 && left.splice(index, 1).length > 0;
  });
}

/**
 * A request read the database before a restore and wrote after it, so that no order of the commands explains the log any
 * more. What follows in this history cannot be checked.
 */
export class CrossedRestore extends Error {}

/**
 * These commands record a fact about something else than their own stream, decide on the primary, and change nothing
 * that the meantime could break; so the decision may be as old as the request.
 */
const decidedBefore: readonly string[] = ['CreateFirstAdmin'];

/** The commands that the system sends, by the ids of their requests, which name what each of them is about. */
const systemCommands = [
  {
    requestId: /^erasure:([\da-f-]{36}):(\d+)$/,
    name: 'ContinueErasure',
    payloadOf: ([userId, step]: readonly string[]) => ({ userId, step: Number(step) }),
  },
  {
    requestId: /^expiry:([\da-f-]{36})$/,
    name: 'ExpireEmailChange',
    payloadOf: ([confirmationId]: readonly string[]) => ({ confirmationId }),
  },
  {
    requestId: /^release:([\da-f-]{36}):[\da-f-]{36}$/,
    name: 'ReleaseTickets',
    payloadOf: ([assigneeId]: readonly string[]) => ({ assigneeId }),
  },
] as const;

/** The command behind events that the system caused. Its time is that of its events: nobody has recorded when it was issued. */
function stepOf([first]: readonly LoggedEvent[], segment: number): Attempt | undefined {
  const command = systemCommands.find(({ requestId }) => requestId.test(first?.requestId ?? ''));
  if (!first || !command) return undefined;
  const [, ...parts] = command.requestId.exec(first.requestId) ?? [];
  return {
    ...{ requestId: first.requestId, commandId: first.commandId, name: command.name },
    ...{ payload: command.payloadOf(parts), caller: undefined, by: undefined, expectedVersion: undefined },
    ...{ segment, from: first.position - 1, sentAt: 0, issuedAt: undefined, views: [], isRepeatable: false },
    answer: { kind: 'unanswered' },
  };
}

/**
 * Applies the commits of a log, one after the other, to the model.
 * @throws InvariantViolation for a commit that the model would have refused at its position, and for a second commit of
 * one command
 */
export function createTimeline(segment: Segment, earlier: readonly Timeline[], facts: Facts): Timeline {
  const [index, before] = [earlier.length, earlier.at(-1)];
  const { base, events } = segment;
  const states = before ? before.states.slice(0, base + 1) : [emptyState];
  const kept = [...(before?.commits ?? [])].filter(([, { position }]) => position <= base);
  const commits = new Map(kept);
  /** The things whose last changes the restore took back. */
  const takenBack = new Set(before?.segment.events.slice(base).map(({ streamId }) => streamId));
  for (let from = base; from < events.length; ) {
    const requestId = events[from]?.requestId;
    let until = from;
    while (until < events.length && events[until]?.requestId === requestId) until++;
    const own = events.slice(from, until);
    const where = `position ${until}`;
    const step = stepOf(own, index);
    const attempt = facts.attempts.get(requestId ?? '') ?? step;
    if (!attempt) throw violate(`a client sent the request behind ${where}`, `events ${own.map(describe).join(', ')}`);
    const { commandId, name } = attempt;
    const first = commits.get(identityOf(attempt));
    if (first)
      throw violate(`${name} (command ${commandId}) takes effect once`, `it did at ${first.position} and at ${until}`);

    const keyOf = attempt.caller?.key?.id;
    const [other] = own.filter(({ keyId }) => keyId !== keyOf);
    if (other)
      throw violate(`the events of ${name} at ${where} name the key ${keyOf ?? 'of nobody'}`, `${other.keyId}`);
    const request = requestOf(attempt, facts);
    const chosen = chosenIn(own, attempt);
    const crossed = attempt.segment !== index;
    const oldest = decidedBefore.includes(name) && !crossed ? Math.min(attempt.from, from) : from;
    const possible = states.slice(oldest).flatMap((state) => outcomesOf(state, request, chosen));
    // The request may have saved what it read of a change that was taken back. No event shows this.
    const about = crossed ? JSON.stringify([attempt.payload, own]) : '';
    if (crossed && [...takenBack].some((id) => about.includes(id))) throw new CrossedRestore();
    const outcome = possible.find((one): one is Done => 'events' in one && isSame(one.events, own));
    const state = states[from];
    // Nobody knows whether the process of a step began before the restore.
    if ((!outcome || !state) && (crossed || (step && index > 0))) throw new CrossedRestore();
    if (!outcome || !state) {
      const told = possible.map((one) =>
        'refused' in one ? `${one.refused}` : one.events.join(', ') || 'nothing to change',
      );
      throw violate(
        `${name} ${JSON.stringify(attempt.payload)} of ${JSON.stringify(attempt.caller)} at ${where} does what the model does: ${[...new Set(told)].join(' or ')}`,
        own.map(describe).join(', '),
      );
    }
    const next = outcome.effect(state);
    for (const _ of own) states.push(next);
    commits.set(identityOf(attempt), { attempt, from, position: until, outcome });
    from = until;
  }
  const ends = new Set([0, ...[...commits.values()].map(({ position }) => position)]);
  return { segment, states, ends, commits };
}
