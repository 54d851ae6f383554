import type { Platform } from '../history';
import { InvariantViolation } from '../violation';
import type { Behaviours } from './behaviours';
import { checkAnswers } from './check-commands';
import { checkEmails } from './check-emails';
import { checkReads } from './check-reads';
import { checkRevocations } from './check-revocations';
import { checkFinalState } from './check-state';
import type { ObservedLog } from './log';
import type { Attempt, ReadRecord } from './record';
import type { SettledAccess } from './settled-access';
import { CrossedRestore, createLinkOf, createResetOf, createTimeline, type Facts, type Timeline } from './timeline';
import { Mismatch } from './violate';

/** What the clients have recorded. */
export interface Recorded {
  platform: Platform;
  behaviours: Behaviours;
  attempts: readonly Attempt[];
  reads: readonly ReadRecord[];
  log: ObservedLog;
  access: SettledAccess;
}

/** The states of the model along each segment of the log. */
export function timelinesOf({ attempts, log, platform }: Recorded): {
  timelines: Timeline[];
  facts: Facts;
  isCut: boolean;
} {
  log.observe();
  const facts = {
    attempts: new Map(attempts.map((attempt) => [attempt.requestId, attempt])),
    sellers: platform.sellers,
    linkMs: platform.releases[0].limits.confirmationLinkMs,
    resetOf: createResetOf(platform.emails, log.segments),
    linkOf: createLinkOf(platform.emails),
  };
  const timelines: Timeline[] = [];
  let isCut = false;
  try {
    for (const segment of log.segments) timelines.push(createTimeline(segment, timelines, facts));
  } catch (error) {
    if (!(error instanceof CrossedRestore)) throw error;
    isCut = true;
  }
  return { timelines, facts, isCut };
}

/**
 * Checks everything that clients were told against the reference model: the commits in the order of their positions, each
 * answer, each read, the state at the end, and the e-mails.
 * @throws InvariantViolation
 */
export function checkHistory(recorded: Recorded): void {
  const { access, attempts, behaviours, platform, reads } = recorded;
  try {
    const { timelines, facts, isCut } = timelinesOf(recorded);
    const last = timelines.at(-1);
    const state = last?.states.at(-1);
    if (!last || !state) throw new Error('A history has a log.');
    checkAnswers(attempts, timelines, facts);
    checkRevocations(attempts, timelines);
    if (!isCut) {
      checkFinalState(platform, state);
      checkEmails(platform, timelines);
    }
    checkReads(reads, timelines, { access, behaviours, hardships: platform.hardships });
  } catch (error) {
    if (error instanceof Mismatch) throw new InvariantViolation(platform.world.seed, error);
    throw error;
  }
}
