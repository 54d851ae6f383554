import { describeMessage } from './trace';
import type { Process, World } from './world';

/** Fewer retries than in wrangler.toml, so that dead letters happen. */
const queues = {
  'frontdesk-projections': { batchSize: 10, retries: 2, hasDeadLetters: true },
  'frontdesk-emails': { batchSize: 5, retries: 1, hasDeadLetters: true },
  'frontdesk-analytics': { batchSize: 10, retries: 1, hasDeadLetters: true },
  'frontdesk-rebuilds': { batchSize: 1, retries: 20, hasDeadLetters: true },
  'frontdesk-dead-letters': { batchSize: 10, retries: 100, hasDeadLetters: false },
} as const;

export type QueueName = keyof typeof queues;

interface Stored {
  queue: QueueName;
  body: unknown;
  attempts: number;
  visibleAt: number;
}

type Consume = (process: Process, batch: MessageBatch) => Promise<void>;

function shortName(queue: QueueName): string {
  return queue.replace('frontdesk-', '');
}

/** Queues that lose, duplicate, delay and reorder messages, and that run many consumers at the same time. */
export class QueuesModel {
  #messages: Stored[] = [];
  #delivered = 0;

  constructor(
    readonly world: World,
    readonly consume: Consume,
  ) {}

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  #enqueue(process: Process, queue: QueueName, body: unknown, delaySeconds = 0): void {
    const { world } = this;
    const report = (what: string) => world.trace?.(process, `${shortName(queue)}: ${describeMessage(body)} ${what}`);
    if (world.fault('queue: message lost', 0.04)) return void report('is lost');
    const copies = world.fault('queue: message duplicated', 0.05) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const late = world.fault('queue: message late', 0.1) ? world.between(0, 90_000) : 0;
      const delayMs = delaySeconds * 1000 + late;
      report(delayMs === 0 ? 'is sent' : `is sent and becomes visible after ${delayMs} ms`);
      this.#messages.push({
        queue,
        body: structuredClone(body),
        attempts: 1,
        visibleAt: world.now + delayMs,
      });
    }
  }

  /** The producer's binding as a process sees it. */
  bind(process: Process, queue: QueueName): Queue {
    const send = (bodies: readonly { body: unknown; delaySeconds?: number | undefined }[]) => {
      const enqueue = () => {
        for (const { body, delaySeconds } of bodies) this.#enqueue(process, queue, body, delaySeconds);
      };
      return this.world.operation(
        process,
        () => {
          if (this.world.fault('queue: unavailable', 0.03)) throw new Error('Queue send failed: 503');
          enqueue();
          if (this.world.fault('queue: sent, but reported as failed', 0.02)) throw new Error('Queue send failed: 500');
        },
        enqueue,
      );
    };
    const binding = {
      send: (body: unknown, options: { delaySeconds?: number } = {}) => send([{ body, ...options }]),
      sendBatch: (messages: Iterable<MessageSendRequest>) => send([...messages]),
    };
    // The model has only what dispatch and the rebuilds call.
    return binding as unknown as Queue;
  }

  /** Delivers a batch to a new consumer. Returns false where no message is visible. */
  deliver(): boolean {
    const { world } = this;
    const visible = this.#messages.filter(({ visibleAt }) => visibleAt <= world.now);
    const queue = world.pick(visible)?.queue;
    if (!queue) return false;
    const candidates = visible.filter((message) => message.queue === queue);
    const taken: Stored[] = [];
    for (let left = world.between(1, queues[queue].batchSize); left > 0 && candidates.length > 0; left--) {
      taken.push(...candidates.splice(Math.floor(world.random() * candidates.length), 1));
    }
    this.#messages = this.#messages.filter((message) => !taken.includes(message));
    this.#run(queue, taken);
    return true;
  }

  #run(queue: QueueName, taken: readonly Stored[]): void {
    const { world } = this;
    const retried = new Map<Stored, number>();
    const messages = taken.map((stored) => ({
      id: String(++this.#delivered),
      timestamp: new Date(world.now),
      attempts: stored.attempts,
      body: stored.body,
      ack: () => {},
      retry: ({ delaySeconds = 0 } = {}) => void retried.set(stored, delaySeconds),
    }));
    // The model has only what consumers use.
    const batch = { queue, messages } as unknown as MessageBatch;
    let hasEnded = false;
    const process = world.spawn(shortName(queue), async (consumer) => {
      world.trace?.(consumer, `receives ${describeAll(taken)}`);
      await this.consume(consumer, batch);
      hasEnded = true;
      const acknowledged = taken.filter((stored) => !retried.has(stored));
      world.trace?.(consumer, `acknowledges ${describeAll(acknowledged)}; retries ${describeAll([...retried.keys()])}`);
      for (const [stored, delaySeconds] of retried) this.#deliverAgain(stored, delaySeconds);
    });
    // A batch whose consumer has died is delivered again, with the messages that the consumer acknowledged.
    const watch = () => {
      if (hasEnded) return;
      if (!process.dead) return world.after(30_000, watch);
      world.trace?.(shortName(queue), `${describeAll(taken)} come back, because consumer ${process.id} has died`);
      for (const stored of taken) this.#deliverAgain(stored, 0);
    };
    world.after(30_000, watch);
  }

  #deliverAgain(stored: Stored, delaySeconds: number): void {
    const { hasDeadLetters, retries } = queues[stored.queue];
    const visibleAt = this.world.now + delaySeconds * 1000;
    if (stored.attempts <= retries) this.#messages.push({ ...stored, attempts: stored.attempts + 1, visibleAt });
    else if (hasDeadLetters) {
      this.world.fault('queue: message moved to the dead letters', 1);
      this.world.trace?.(shortName(stored.queue), `${describeMessage(stored.body)} has no retry left`);
      this.#messages.push({ ...stored, queue: 'frontdesk-dead-letters', attempts: 1, visibleAt });
    }
  }
}

function describeAll(messages: readonly Stored[]): string {
  const describe = ({ attempts, body }: Stored) =>
    `${describeMessage(body)}${attempts === 1 ? '' : ` (try ${attempts})`}`;
  return messages.length === 0 ? 'nothing' : messages.map(describe).join(', ');
}
