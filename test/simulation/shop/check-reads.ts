import { delaying, type Hardship } from '../hardships';
import type { Behaviours } from './behaviours';
import { positionAt } from './log';
import { refusedByScope } from './model-keys';
import type { Moment } from './queries';
import type { ReadRecord } from './record';
import { refuseCaller } from './rule';
import type { SettledAccess } from './settled-access';
import type { Timeline } from './timeline';
import { canonical, differenceOf, violate } from './violate';

/** How much the answer's age may be wrong: it is in whole seconds, and the clocks of two processes differ. */
const ageSlackMs = 12_000;
/** How long KV may hide that an access document was replaced (product 1.7). */
const hiddenMs = 60_000;
/** How long a command's own process goes on to project the document, and by how much the clocks of two processes differ. */
const inlineMs = 30_000 + 10_000;
interface Rules {
  behaviours: Behaviours;
  hardships: ReadonlySet<Hardship>;
  access: SettledAccess;
}

/** Every read returned what was right at one position, which is not older than its token or its label says. */
export function checkReads(reads: readonly ReadRecord[], timelines: readonly Timeline[], rules: Rules): void {
  for (const read of reads) {
    const timeline = timelines[read.segment];
    const { until, answer } = read;
    if (!timeline || until === undefined || answer.kind === 'failed') continue;
    const refused = read.reading.isPublic ? undefined : refusedByScope(read.reading.by?.caller, read.name);
    if (refused !== undefined) {
      const found = answer.kind === 'refused' ? answer.code : 'an answer';
      if (found !== refused) throw violate(`the read of ${read.reading.what} with an API key gets ${refused}`, found);
      continue;
    }
    if (answer.kind === 'refused' && ['auth.invalid-token', 'auth.invalid-key'].includes(answer.code)) {
      checkRevoked(read, until, timeline);
      continue;
    }
    const before = timelines[read.segment - 1];
    if (!read.isEpochCurrent && before) {
      checkEitherHistory({ ...read, until, answer }, [timeline, before]);
      continue;
    }
    checkAccess(read, timeline, rules);
    checkContent({ ...read, until, answer }, timeline, rules);
  }
}

type AnsweredRead = ReadRecord & { until: number; answer: Exclude<ReadRecord['answer'], { kind: 'failed' }> };

/** The oldest position whose state a read may return. */
function oldestOf(read: AnsweredRead, { segment }: Timeline, { behaviours }: Rules): number {
  const { answer, from, isTokenCurrent, sentAt, token } = read;
  const freshness = answer.kind === 'read' ? answer.answer.freshness : undefined;
  // What has no freshness comes from D1's primary.
  if (answer.kind === 'read' && !freshness) return from;
  if (freshness?.consistency === 'stale') return 0;
  // A replica that has no mark yet does not know its age, and says none.
  const ageSeconds = freshness?.ageSeconds;
  const told = ageSeconds === undefined ? undefined : ageSeconds * 1000 + ageSlackMs;
  const byAge = told === undefined || !behaviours.has('ages') ? 0 : positionAt(segment, sentAt - told);
  if (!token) return byAge;
  if (token.segment === read.segment) return token.position;
  // A token of another epoch makes the read go to the primary; the restore may have taken back a part of what it names.
  return isTokenCurrent ? Math.min(token.position, segment.base) : from;
}

/** Between a restore and the deployment of the new `EPOCH`, KV answers with documents of the history that was taken back. */
function checkEitherHistory({ answer, reading }: AnsweredRead, histories: readonly Timeline[]): void {
  const content = answer.kind === 'read' ? answer.answer.content : { refused: answer.code };
  const found = canonical(content);
  const isRight = histories.some((timeline) =>
    timeline.states.some((_, position) => canonical(reading.expect(momentAt(timeline, position), content)) === found),
  );
  if (!isRight)
    throw violate(`the read of ${reading.what} is right in the history before the restore, or after it`, found);
}

function checkContent(read: AnsweredRead, timeline: Timeline, rules: Rules): void {
  const { answer, reading, token, until } = read;
  const { ends, segment } = timeline;
  const content = answer.kind === 'read' ? answer.answer.content : { refused: answer.code };
  const found = canonical(content);
  const oldest = Math.min(oldestOf(read, timeline, rules), until);
  const expectedAt = (position: number) => canonical(reading.expect(momentAt(timeline, position), content));
  for (let position = until; position >= oldest; position--) {
    // Nobody can read the middle of a commit.
    if (ends.has(position) && expectedAt(position) === found) return;
  }
  let earlier = oldest - 1;
  while (earlier >= 0 && expectedAt(earlier) !== found) earlier--;
  const { consistency, source, ageSeconds } = (answer.kind === 'read' && answer.answer.freshness) || {};
  const who = reading.by ? ` by ${reading.by.caller.role} ${reading.by.caller.userId}` : '';
  const how = token ? ` with the token of position ${token.position}` : '';
  const label = `${consistency ?? 'no label'}, ${ageSeconds ?? '?'} s old, from ${source ?? 'D1'}`;
  const was = earlier >= 0 ? `what was right at position ${earlier}` : 'what was never right';
  const difference = differenceOf(JSON.parse(expectedAt(until)), JSON.parse(found));
  throw violate(
    `the read of ${reading.what}${who}${how} is right at a position from ${oldest} to ${until} (of ${segment.events.length})`,
    `${was} (${label}): ${difference}`,
  );
}

function momentAt({ states, segment }: Timeline, position: number): Moment {
  const state = states[position];
  if (!state) throw new Error(`The history has no position ${position}.`);
  return { state, events: segment.events.slice(0, position) };
}

function checkRevoked({ from, reading }: ReadRecord, until: number, { states }: Timeline): void {
  const refused = states.slice(from, until + 1).map((state) => refuseCaller(state, reading.by?.caller));
  if (refused.some((refusal) => refusal !== undefined)) return;
  throw violate(
    `a valid token may read ${reading.what}`,
    `the caller ${canonical(reading.by?.caller)} is refused as revoked`,
  );
}

/**
 * The caller of an answered read had a valid token at some time, and not long ago: a minute after the access document has
 * the revocation nobody reads. Where nothing delays documents, it has it soon after the command's answer.
 */
function checkAccess(
  read: ReadRecord,
  { commits, segment, states }: Timeline,
  { access, behaviours, hardships }: Rules,
): void {
  const { reading, sentAt, until = 0 } = read;
  const { caller } = reading.by ?? {};
  if (reading.isPublic || !caller) return;
  const valid = (position: number) => {
    const state = states[position];
    return state !== undefined && refuseCaller(state, caller) === undefined;
  };
  let last = until;
  while (last >= 0 && !valid(last)) last--;
  if (last < 0)
    throw violate(`the read of ${reading.what} is refused: ${canonical(caller)} was never valid`, 'an answer');
  if (last === until || !behaviours.has('access-time')) return;
  const revocation = [...commits.values()].find(({ from, position }) => from <= last && last < position);
  const { answer, answeredAt = Number.POSITIVE_INFINITY } = revocation?.attempt ?? {};
  const isSoon = answer?.kind === 'acknowledged' && !delaying.some((one) => hardships.has(one));
  const settledAt = Math.min(
    isSoon ? answeredAt + inlineMs : Number.POSITIVE_INFINITY,
    ...segment.events
      .slice(last, revocation?.position)
      .map(({ position }) => access.at(read.segment, position) ?? Number.POSITIVE_INFINITY),
  );
  if (settledAt + hiddenMs > sentAt) return;
  throw violate(
    `the read of ${reading.what} is refused, because ${revocation?.attempt.name} revoked ${canonical(caller)} at position ${last + 1}, and the access document had this ${(sentAt - settledAt) / 1000} s before`,
    'an answer',
  );
}
