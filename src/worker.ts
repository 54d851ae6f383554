import { createApp } from './app';
import { compose } from './composition';
import { runSchedule } from './schedule';

const app = createApp(compose);

/** The three doors: HTTP, the queues' consumers, and the schedule. */
export default {
  fetch: (request, env, context) => app.fetch(request, env, context),

  async queue(batch, env, context) {
    const { consumers, logger } = compose(env, (promise) => context.waitUntil(promise));
    const consume = consumers[batch.queue];
    if (consume) await consume(batch);
    else logger.error('queue.unknown', undefined, { queue: batch.queue });
  },

  async scheduled({ cron }, env, context) {
    await runSchedule(
      compose(env, (promise) => context.waitUntil(promise)),
      cron,
    );
  },
} satisfies ExportedHandler<Env>;
