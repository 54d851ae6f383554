import type { Services } from './composition';
import { cleanUp } from './operations/cleanup';
import { newId } from './platform/ids';
import { dashboardKey, dashboardView } from './tickets/dashboard';

/** Creates the first admin of a new installation, where the configuration names one and there is none. */
async function createFirstAdmin({ commands, config, clock, logger }: Services): Promise<void> {
  if (!config.firstAdmin) return;
  const { email, password } = config.firstAdmin;
  const id = newId();
  const context = { commandId: id, requestId: id, issuedAt: clock.now(), readFrom: 'first-primary' };
  const { result } = await commands.execute('CreateFirstAdmin', { name: 'Administrator', email, password }, context);
  if (result) logger.info('first-admin.created', { userId: result.id });
}

/** Figures that time alone can make wrong are computed anew, whatever happened. */
async function refreshDashboard({ projector }: Services): Promise<void> {
  const errors = await projector.refresh([{ view: dashboardView.id, key: dashboardKey }]);
  for (const error of errors.values()) throw error;
}

type Task = (services: Services) => Promise<void>;

async function reconcile({ logger, reconcile: walk }: Services): Promise<void> {
  logger.info('reconciler.ran', { ...(await walk()) });
}

/** A rebuild whose next message was lost goes on from its checkpoint. */
async function restartRebuilds({ logger, rebuilds }: Services): Promise<void> {
  for (const step of await rebuilds.findSilent()) {
    await rebuilds.send(step);
    logger.info('rebuild.restarted', { ...step });
  }
}

async function removeExpired({ clock, database, logger }: Services): Promise<void> {
  logger.info('cleanup.ran', { ...(await cleanUp(database, clock)) });
}

/** The tasks by the cron triggers of wrangler.toml. */
const tasks: Readonly<Record<string, readonly Task[]>> = {
  '* * * * *': [({ relay }) => relay(), reconcile, restartRebuilds, createFirstAdmin],
  '0 * * * *': [refreshDashboard, removeExpired],
};

/** Runs what is due. One task that fails does not keep the others from running. */
export async function runSchedule(services: Services, cron: string): Promise<void> {
  const due = tasks[cron];
  if (!due) return services.logger.error('schedule.unknown', undefined, { cron });
  for (const result of await Promise.allSettled(due.map((task) => task(services)))) {
    if (result.status === 'rejected') services.logger.error('schedule.failed', result.reason, { cron });
  }
}
