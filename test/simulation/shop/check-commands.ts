import { outcomesOf } from './model';
import { type Attempt, identityOf } from './record';
import type { Chosen } from './rule';
import type { Caller, State } from './state';
import { type Facts, requestOf, type Timeline } from './timeline';
import { canonical, violate } from './violate';

/** Stands for what the code would have chosen, where nothing was committed. */
const none: Chosen = { id: '', refreshToken: '', linkId: '' };

/** Refusals that come before the look at a stored response, so they are right also after the command was carried out. */
const beforeStored: readonly string[] = [
  'auth.required',
  'auth.invalid-token',
  'auth.insufficient-role',
  'items.only-staff-sells',
];

function describe({ name, payload, caller, expectedVersion, commandId }: Attempt): string {
  const who = caller ? `${caller.role} ${caller.userId}, generation ${caller.tokenGeneration}` : 'a visitor';
  const ifMatch = expectedVersion === undefined ? '' : `, If-Match ${expectedVersion}`;
  return `${name} ${JSON.stringify(payload)} (${who}${ifMatch}; command ${commandId})`;
}

/** Every answer to a command is right: what it says about its effect, and that there was nothing to do or not allowed. */
export function checkAnswers(attempts: readonly Attempt[], timelines: readonly Timeline[], facts: Facts): void {
  const byCommand = Map.groupBy(attempts, identityOf);
  for (const attempt of attempts) {
    const timeline = timelines[attempt.segment];
    const { answer, until, issuedAt } = attempt;
    if (timeline && answer.kind === 'failed') checkFailed(attempt, timeline);
    if (!timeline || until === undefined || issuedAt === undefined) continue;
    const same = byCommand.get(identityOf(attempt)) ?? [];
    if (answer.kind === 'acknowledged') checkAcknowledged({ ...attempt, answer, until }, same, timeline, facts);
    if (answer.kind === 'refused') checkRefused({ ...attempt, answer, until }, same, timeline, facts);
  }
}

/** Whether two requests under one key get one answer. `If-Match` and the time are not a part of what is compared. */
function isSameRequest(one: Attempt, other: Attempt): boolean {
  return one.segment === other.segment && canonical(one.payload) === canonical(other.payload);
}

type Answered<Kind> = Attempt & { until: number; answer: Extract<Attempt['answer'], { kind: Kind }> };

function checkAcknowledged(
  attempt: Answered<'acknowledged'>,
  same: readonly Attempt[],
  { commits, states }: Timeline,
  facts: Facts,
): void {
  const { answer, from, requestId, until } = attempt;
  const { commit, isReplayed, result } = answer;
  const done = commits.get(identityOf(attempt));
  if (done && done.position <= until) {
    if (done.position !== commit.position)
      throw violate(`${describe(attempt)} names its own position, ${done.position}`, `position ${commit.position}`);
    if (!isReplayed && done.attempt.requestId !== requestId)
      throw violate(
        `only one request of ${describe(attempt)} is carried out`,
        'two were acknowledged, neither as a repetition',
      );
    if (canonical(done.attempt.payload) !== canonical(attempt.payload))
      throw violate(
        `${describe(attempt)} is refused, because its key was used with another body`,
        'it is acknowledged',
      );
    const expected = done.outcome.result;
    if (expected !== undefined && canonical(expected) !== canonical(result))
      throw violate(`${describe(attempt)} answers ${canonical(expected)}`, canonical(result));
    checkGrant(attempt, result, states[done.position]);
    return;
  }
  // The first answer was given before a restore, to a state that is not of this log.
  if (isReplayed && same.some(({ segment }) => segment !== attempt.segment)) return;
  // Nothing is in the log, so there must have been nothing to change, at a moment that the answer's token includes.
  const asked = isReplayed ? same.filter((one) => isSameRequest(one, attempt)) : [attempt];
  const first = Math.min(from, ...asked.map((one) => one.from));
  const last = Math.min(until, commit.position);
  const possible = states
    .slice(first, last + 1)
    .flatMap((state) => asked.flatMap((one) => outcomesOf(state, requestOf(one, facts), none)));
  const isRight = possible.some(
    (one) =>
      'events' in one &&
      one.events.length === 0 &&
      (one.result === undefined || canonical(one.result) === canonical(result)),
  );
  if (isRight) return;
  // An operator's command finds what the world has made, such as no dead letters.
  const told = [
    ...new Set(
      possible.map((one) => ('refused' in one ? one.refused : one.events.join(', ') || canonical(one.result))),
    ),
  ];
  throw violate(
    `${describe(attempt)} was acknowledged, so it is in the log, or there was nothing to change at a position from ${first} to ${last}, where the model says: ${told.join(' or ')}`,
    `no event of the command, and the answer ${canonical(result)} at position ${commit.position}`,
  );
}

/** An access token says what its account is at the position of the command that issued it. */
function checkGrant(attempt: Attempt, result: unknown, state: State | undefined): void {
  const { access_token: token } = (result ?? {}) as { access_token?: string };
  if (token === undefined) return;
  const { userId, role, tokenGeneration }: Caller = JSON.parse(token);
  const account = state?.users.get(userId);
  if (account?.role === role && account.generation === tokenGeneration) return;
  throw violate(
    `the token of ${describe(attempt)} says ${account?.role}, generation ${account?.generation}`,
    `${role}, generation ${tokenGeneration}`,
  );
}

function checkFailed(attempt: Attempt, { commits }: Timeline): void {
  const done = commits.get(identityOf(attempt));
  if (done?.attempt.requestId === attempt.requestId)
    throw violate(
      `${describe(attempt)} was answered 500, so it has no effect`,
      `its events are at position ${done.position}`,
    );
}

function checkRefused(
  attempt: Answered<'refused'>,
  same: readonly Attempt[],
  { commits, segment, states }: Timeline,
  facts: Facts,
): void {
  const { from, requestId, until, answer } = attempt;
  const { code } = answer;
  const done = commits.get(identityOf(attempt));
  if (done?.attempt.requestId === requestId)
    throw violate(
      `${describe(attempt)} was refused with ${code}, so it has no effect`,
      `its events are at position ${done.position}`,
    );
  if (code === 'http.idempotency-key-reused') {
    const others = same.filter(({ payload }) => canonical(payload) !== canonical(attempt.payload));
    if (others.length === 0) throw violate(`the key of ${describe(attempt)} was used with another body`, 'it was not');
    return;
  }
  if (code === 'concurrency.conflict') {
    const others = segment.events.slice(from, until).filter((event) => event.requestId !== requestId);
    if (others.length === 0)
      throw violate(
        `${describe(attempt)} has a conflict with another commit from ${from} to ${until}`,
        'there is none',
      );
    return;
  }
  const isEarly = beforeStored.includes(code);
  // After the command was carried out, its repetition gets the first answer again.
  const last = done && attempt.isRepeatable && !isEarly ? Math.min(until, done.from) : until;
  const possible = states.slice(from, last + 1).flatMap((state) => outcomesOf(state, requestOf(attempt, facts), none));
  if (possible.some((one) => 'refused' in one && one.refused === code)) return;
  const told = [
    ...new Set(possible.map((one) => ('refused' in one ? one.refused : `carried out: ${one.events.join(', ')}`))),
  ];
  throw violate(
    `the refusal of ${describe(attempt)} is right at a position from ${from} to ${last}, where the model says: ${told.join(' or ')}`,
    code,
  );
}
