import { createApp } from './app';
import { compose, type Services } from './composition';
import { ConfigError } from './platform/errors';
import { createFirstLogger, logConfigError } from './platform/logger';
import { runSchedule } from './schedule';

const app = createApp(compose);

/** The services of an invocation; undefined, with a line in the log, if the configuration is not usable. */
function composeOrLog(env: Env, context: ExecutionContext): Services | undefined {
  try {
    return compose(env, (promise) => context.waitUntil(promise));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    logConfigError(createFirstLogger(env), error);
    return undefined;
  }
}

/** The three entry points: HTTP, the queues' consumers, and the schedule. */
export default {
  fetch: (request, env, context) => app.fetch(request, env, context),

  async queue(batch, env, context) {
    const services = composeOrLog(env, context);
    if (services) await services.consume(batch);
    // The relay sends again what the queue gives up until the configuration is mended.
    else batch.retryAll({ delaySeconds: 60 });
  },

  async scheduled({ cron }, env, context) {
    const services = composeOrLog(env, context);
    if (services) await runSchedule(services, cron);
  },
} satisfies ExportedHandler<Env>;
