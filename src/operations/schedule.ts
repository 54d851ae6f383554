import type { Services } from '../composition';
import { newId } from '../platform/ids';

/** Creates the first admin of a new installation, where the configuration names one and there is none. */
async function createFirstAdmin({ commands, config, clock, logger }: Services): Promise<void> {
  if (!config.firstAdmin) return;
  const { email, password } = config.firstAdmin;
  const id = newId();
  const context = { commandId: id, requestId: id, issuedAt: clock.now(), readFrom: 'first-primary' };
  const { result } = await commands.execute('CreateFirstAdmin', { name: 'Administrator', email, password }, context);
  if (result) logger.info('first-admin.created', { userId: result.id });
}

/** What runs every minute. One task that fails does not keep the others from running. */
export async function runSchedule(services: Services): Promise<void> {
  const results = await Promise.allSettled([services.relay(), createFirstAdmin(services)]);
  for (const result of results) {
    if (result.status === 'rejected') services.logger.error('schedule.failed', result.reason);
  }
}
