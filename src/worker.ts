import { createApp } from './app';
import { compose } from './composition';
import { runSchedule } from './schedule';

const app = createApp(compose);

/** The three entry points: HTTP, the queues' consumers, and the schedule. */
export default {
  fetch: (request, env, context) => app.fetch(request, env, context),

  queue: (batch, env, context) => compose(env, (promise) => context.waitUntil(promise)).consume(batch),

  scheduled: ({ cron }, env, context) =>
    runSchedule(
      compose(env, (promise) => context.waitUntil(promise)),
      cron,
    ),
} satisfies ExportedHandler<Env>;
