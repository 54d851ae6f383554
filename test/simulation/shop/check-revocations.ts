import type { Attempt } from './record';
import type { State } from './state';
import type { Timeline } from './timeline';
import { violate } from './violate';

/** A command that ended the tokens of an account, whose sender has the answer. */
interface Revocation {
  userId: string;
  /** Tokens of this generation and later are valid; none is after the account was deleted. */
  generation: number;
  /** Set where an API key was revoked, and the tokens of this key alone end. */
  keyId?: string | undefined;
  answeredAt: number;
  by: string;
}

/** The accounts whose older tokens end between two states. */
function* endedBetween(before: State, after: State): Generator<Pick<Revocation, 'userId' | 'generation' | 'keyId'>> {
  for (const [keyId, { userId }] of before.apiKeys) {
    if (!after.apiKeys.has(keyId)) yield { userId, generation: Number.POSITIVE_INFINITY, keyId };
  }
  for (const [userId, { generation }] of before.users) {
    const next = after.users.get(userId)?.generation ?? Number.POSITIVE_INFINITY;
    if (next > generation) yield { userId, generation: next };
  }
}

function revocationsIn({ commits, states }: Timeline, segment: number): Revocation[] {
  return [...commits.values()].flatMap(({ attempt, from, position }) => {
    const { answer, answeredAt, name } = attempt;
    const [before, after] = [states[from], states[position]];
    if (attempt.segment !== segment || answer.kind !== 'acknowledged' || answeredAt === undefined) return [];
    if (!before || !after || (before.users === after.users && before.apiKeys === after.apiKeys)) return [];
    return [...endedBetween(before, after)].map((ended) => ({
      ...{ ...ended, answeredAt },
      by: `${name} at position ${position}`,
    }));
  });
}

/**
 * A token commands nothing any more when the command that revoked it was answered: what is sent with it after that is not
 * acknowledged, and leaves nothing in the log.
 */
export function checkRevocations(attempts: readonly Attempt[], timelines: readonly Timeline[]): void {
  for (const [segment, timeline] of timelines.entries()) {
    const byUser = Map.groupBy(revocationsIn(timeline, segment), ({ userId }) => userId);
    const committed = new Set([...timeline.commits.values()].map(({ attempt }) => attempt.requestId));
    for (const attempt of attempts) {
      const { answer, answeredAt, caller, commandId, name, requestId, segment: own, sentAt } = attempt;
      if (!caller || own !== segment) continue;
      const revocation = byUser
        .get(caller.userId)
        ?.find(
          ({ answeredAt, generation, keyId }) =>
            answeredAt < sentAt &&
            caller.tokenGeneration < generation &&
            (keyId === undefined || keyId === caller.key?.id),
        );
      // A restore can take the revocation back while the command is on its way; then it has no time of its answer.
      const isAcknowledged = answer.kind === 'acknowledged' && answeredAt !== undefined;
      if (!revocation || (!isAcknowledged && !committed.has(requestId))) continue;
      throw violate(
        `a token of ${caller.userId} commands nothing ${(sentAt - revocation.answeredAt) / 1000} s after ${revocation.by} was answered, which revoked it`,
        `${name} (command ${commandId}) of ${caller.role} ${caller.userId}, generation ${caller.tokenGeneration}: ${answer.kind}`,
      );
    }
  }
}
