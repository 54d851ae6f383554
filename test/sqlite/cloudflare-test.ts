// Takes the place of `cloudflare:test` in the project `sqlite` of vitest.

interface Context {
  waitUntil(promise: Promise<unknown>): void;
  passThroughOnException(): void;
  waited: Promise<unknown>[];
}

export function createExecutionContext(): Context {
  const waited: Promise<unknown>[] = [];
  return { waited, waitUntil: (promise) => void waited.push(promise), passThroughOnException() {} };
}

/** Waits for the work in the background, also for work that this work has started. */
export async function waitOnExecutionContext({ waited }: Context): Promise<void> {
  while (waited.length > 0) await waited.shift();
}

interface Message {
  id: string;
  body: unknown;
  attempts: number;
}

export function createMessageBatch(queue: string, bodies: readonly Message[]) {
  const explicitAcks: string[] = [];
  const retryMessages: { msgId: string; delaySeconds?: number }[] = [];
  const retryBatch = { retry: false };
  const messages = bodies.map((message) => ({
    ...structuredClone(message),
    ack: () => void explicitAcks.push(message.id),
    retry: (options: { delaySeconds?: number } = {}) => void retryMessages.push({ msgId: message.id, ...options }),
  }));
  const retryAll = () => {
    retryBatch.retry = true;
  };
  return { queue, messages, explicitAcks, retryMessages, retryBatch, retryAll };
}

export async function getQueueResult(
  { explicitAcks, retryBatch, retryMessages }: ReturnType<typeof createMessageBatch>,
  _: Context,
) {
  return { explicitAcks, retryBatch, retryMessages, ackAll: false };
}

export function createScheduledController({ cron }: { cron: string }) {
  return { cron, scheduledTime: Date.now(), noRetry() {} };
}

/** The database has its migrations already. */
export async function applyD1Migrations(): Promise<void> {}
