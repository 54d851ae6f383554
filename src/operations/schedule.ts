import type { Services } from '../composition';
import { newId } from '../platform/ids';
import { dashboardKey, dashboardView } from '../tickets/dashboard';

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
  const errors = await projector.refresh([{ view: dashboardView.name, key: dashboardKey }]);
  for (const error of errors.values()) throw error;
}

type Task = (services: Services) => Promise<void>;

/** The tasks by the cron triggers of wrangler.toml. */
const tasks: Readonly<Record<string, readonly Task[]>> = {
  '* * * * *': [({ relay }) => relay(), createFirstAdmin],
  '0 * * * *': [refreshDashboard],
};

/** Runs what is due. One task that fails does not keep the others from running. */
export async function runSchedule(services: Services, cron: string): Promise<void> {
  const due = tasks[cron];
  if (!due) return services.logger.error('schedule.unknown', undefined, { cron });
  for (const result of await Promise.allSettled(due.map((task) => task(services)))) {
    if (result.status === 'rejected') services.logger.error('schedule.failed', result.reason, { cron });
  }
}
