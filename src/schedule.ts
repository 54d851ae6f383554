import type { Services } from './composition';
import { cleanUps, hourlyTasks } from './domains';
import { findFigures } from './operations/figures';
import { toLogFields } from './operations/metrics';
import { saveRun, type TaskOutcome } from './operations/schedule-runs';
import { openSession } from './platform/d1';
import { describeError } from './platform/failure';
import { newId } from './platform/ids';
import { deadlines, limits } from './platform/limits';
import { findFormerAssignees } from './tickets/former-assignees';
import { expiryRequest } from './users/background-requests';
import { findExpiredChanges } from './users/expired-confirmations';
import { hasActiveAdmin } from './users/repository';

/**
 * Gives an installation without an active admin the one that the configuration names: it creates the account, or makes an
 * account with this address an active admin with the configured password.
 */
async function createFirstAdmin({ bindCommands, clock, config, database, http, logger }: Services): Promise<void> {
  if (await hasActiveAdmin(database)) return;
  if (!config.firstAdmin) {
    logger.warn('first-admin.missing');
    return;
  }
  const { email, password } = config.firstAdmin;
  http.permitHashing();
  const id = newId();
  const context = { commandId: id, requestId: id, issuedAt: clock.now(), readFrom: 'first-primary' };
  const commands = bindCommands(() => context);
  const { result } = await commands.CreateFirstAdmin({ name: 'Administrator', email, password });
  if (!result) return;
  // An account that existed before has events of its own.
  logger.info(result.version === 1 ? 'first-admin.created' : 'first-admin.restored', { userId: result.id });
}

/**
 * Does some work for each id, one after the other.
 * @throws the first failure, after all of them had their turn
 */
async function doForEach(ids: readonly string[], work: (id: string) => Promise<void>, logFailure: LogFailure) {
  const failures: unknown[] = [];
  for (const id of ids) {
    try {
      await work(id);
    } catch (error) {
      logFailure(error, id);
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

type LogFailure = (error: unknown, id: string) => void;

/** Ends the changes of addresses that nobody has confirmed in time, one command for each. */
async function expireEmailChanges({ bindCommands, clock, database, logger }: Services): Promise<void> {
  let ended = 0;
  async function expire(confirmationId: string) {
    const requestId = expiryRequest(confirmationId);
    const context = { commandId: newId(), requestId, issuedAt: clock.now(), readFrom: 'first-primary' };
    const { result } = await bindCommands(() => context).ExpireEmailChange({ confirmationId });
    if (result) ended++;
  }
  const expired = await findExpiredChanges(database, clock.now());
  await doForEach(expired, expire, (error, confirmationId) =>
    logger.error('email-change.not-expired', error, { confirmationId }),
  ).finally(() => {
    if (ended > 0) logger.info('email-changes.expired', { ended });
  });
}

/** Releases the tickets of an account that may not work on them any more, in several commits; a run has a bound. */
async function releaseTicketsOf({ bindCommands, clock }: Services, assigneeId: string): Promise<number> {
  let released = 0;
  for (let step = 0; step < limits.releasesPerRun; step++) {
    // The audit trail finds the events by this id, which no client can choose: X-Request-Id has no colon.
    const requestId = `release:${assigneeId}:${newId()}`;
    const context = { commandId: newId(), requestId, issuedAt: clock.now(), readFrom: 'first-primary' };
    const { result } = await bindCommands(() => context).ReleaseTickets({ assigneeId });
    released += result.rows;
    if (result.isFinished) break;
  }
  return released;
}

/** Releases the tickets of agents who were deactivated or lost their role, so that others find them. */
async function releaseTickets(services: Services): Promise<void> {
  const { database, logger } = services;
  async function release(assigneeId: string) {
    const tickets = await releaseTicketsOf(services, assigneeId);
    if (tickets > 0) logger.info('tickets.released', { assigneeId, tickets });
  }
  await doForEach(await findFormerAssignees(database), release, (error, assigneeId) =>
    logger.error('tickets.not-released', error, { assigneeId }),
  );
}

async function runReconciler({ logger, reconcile }: Services): Promise<void> {
  logger.info('reconciler.ran', { ...(await reconcile()) });
}

/** Removes documents of shapes that this version does not know, once they have missed an event. */
async function removeObsoleteDocuments(services: Services): Promise<void> {
  const documents = await services.removeObsoleteDocuments();
  if (documents > 0) services.logger.info('obsolete-documents.removed', { documents });
}

/** Sends the lost message of each stalled rebuild again, so that the rebuild continues from its checkpoint. */
async function restartRebuilds({ logger, rebuilds }: Services): Promise<void> {
  for (const step of await rebuilds.findStalled()) {
    await rebuilds.send(step);
    logger.info('rebuild.restarted', { ...step });
  }
}

/** Sends the lost message of each stalled erasure again, so that the erasure continues with its next step. */
async function restartErasures({ erasures, logger }: Services): Promise<void> {
  for (const step of await erasures.findStalled()) {
    await erasures.send(step);
    logger.info('erasure.restarted', { ...step });
  }
}

/** Writes the figures of the system into the log, for an operator who has no other monitor. */
async function logFigures({ clock, database, logger }: Services): Promise<void> {
  const { db } = openSession(database, 'first-primary');
  logger.info('figures', toLogFields(await findFigures(db, clock.now())));
}

type Task = (services: Services) => Promise<void>;

/** The tasks by the cron triggers of wrangler.toml, each with the name by which operators see its last run. */
export const tasks: Readonly<Record<string, Readonly<Record<string, Task>>>> = {
  '* * * * *': {
    relay: ({ relay }) => relay(deadlines.relayMs),
    reconciler: runReconciler,
    'obsolete-documents': removeObsoleteDocuments,
    rebuilds: restartRebuilds,
    erasures: restartErasures,
    watermark: ({ publishWatermark }) => publishWatermark(),
    'first-admin': createFirstAdmin,
    'email-changes': expireEmailChanges,
    'ticket-releases': releaseTickets,
    figures: logFigures,
    ...mapTasks(cleanUps, (event, run) => async (services) => {
      const removed = await run(services);
      if (Object.values(removed).some((rows) => rows > 0)) services.logger.info(event, removed);
    }),
  },
  '0 * * * *': mapTasks(hourlyTasks, (event, run) => async (services) => {
    services.logger.info(event, await run(services));
  }),
};

function mapTasks<Run>(
  runs: Readonly<Record<string, Run>>,
  toTask: (event: string, run: Run) => Task,
): Record<string, Task> {
  return Object.fromEntries(Object.entries(runs).map(([event, run]) => [event, toTask(event, run)]));
}

/**
 * Runs the tasks that are due, and keeps what became of each. A task that fails does not keep the others from running.
 * @throws Error for a cron trigger that has no tasks
 */
export async function runSchedule(services: Services, cron: string): Promise<void> {
  const due = tasks[cron];
  if (!due) throw new Error(`No task is registered for the cron trigger "${cron}": add it to schedule.ts.`);
  const { clock, database, logger } = services;
  const startedAt = clock.now();

  async function run([name, task]: [string, Task]): Promise<[string, TaskOutcome]> {
    let error: string | null = null;
    try {
      await task(services);
    } catch (failure) {
      logger.error('schedule.failed', failure, { cron, task: name });
      error = describeError(failure);
    }
    return [name, { startedAt, ms: clock.now() - startedAt, error }];
  }

  const outcomes = new Map(await Promise.all(Object.entries(due).map(run)));
  await saveRun(database, { cron, startedAt, tasks: outcomes }).catch((error) =>
    logger.warn('schedule.not-recorded', { cron, error: describeError(error) }),
  );
}
