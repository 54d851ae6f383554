import type { Process, World } from './world';

/** Fewer tries than in wrangler.toml, so that dead letters happen. */
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

type Consume = (process: Process, queue: QueueName, batch: MessageBatch) => Promise<void>;

/** Queues that lose, double, delay and reorder messages, and run many consumers at once. */
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

  get nextVisibleAt(): number | undefined {
    return this.isEmpty ? undefined : Math.min(...this.#messages.map(({ visibleAt }) => visibleAt));
  }

  #enqueue(queue: QueueName, body: unknown, delaySeconds = 0): void {
    const { world } = this;
    if (world.fault('queue: message lost', 0.04)) return;
    const copies = world.fault('queue: message doubled', 0.05) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const late = world.fault('queue: message late', 0.1) ? world.between(0, 90_000) : 0;
      const visibleAt = world.now + delaySeconds * 1000 + late;
      this.#messages.push({ queue, body: structuredClone(body), attempts: 1, visibleAt });
    }
  }

  /** The producer's binding as a process sees it. */
  bind(process: Process, queue: QueueName): Queue {
    const send = (bodies: readonly { body: unknown; delaySeconds?: number | undefined }[]) => {
      const enqueue = () => {
        for (const { body, delaySeconds } of bodies) this.#enqueue(queue, body, delaySeconds);
      };
      return this.world.operation(
        process,
        () => {
          if (this.world.fault('queue: down', 0.03)) throw new Error('Queue send failed: 503');
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
    // Only what dispatch and the rebuilds call.
    return binding as unknown as Queue;
  }

  /** Hands a batch to a new consumer; answers whether there was one to hand out. */
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
    const retried = new Map<Stored, number>();
    const messages = taken.map((stored) => ({
      id: String(++this.#delivered),
      timestamp: new Date(this.world.now),
      attempts: stored.attempts,
      body: stored.body,
      ack: () => {},
      retry: ({ delaySeconds = 0 } = {}) => void retried.set(stored, delaySeconds),
    }));
    // Only what consumers use.
    const batch = { queue, messages } as unknown as MessageBatch;
    let isOver = false;
    const process = this.world.spawn(queue, async (consumer) => {
      await this.consume(consumer, queue, batch);
      isOver = true;
      for (const [stored, delaySeconds] of retried) this.#again(stored, delaySeconds);
    });
    // A batch whose consumer has died comes again, whatever was acknowledged in it.
    const watch = () => {
      if (isOver) return;
      if (process.dead) for (const stored of taken) this.#again(stored, 0);
      else this.world.after(30_000, watch);
    };
    this.world.after(30_000, watch);
  }

  #again(stored: Stored, delaySeconds: number): void {
    const { hasDeadLetters, retries } = queues[stored.queue];
    const visibleAt = this.world.now + delaySeconds * 1000;
    if (stored.attempts <= retries) this.#messages.push({ ...stored, attempts: stored.attempts + 1, visibleAt });
    else if (hasDeadLetters) {
      this.world.fault('queue: message given up', 1);
      this.#messages.push({ ...stored, queue: 'frontdesk-dead-letters', attempts: 1, visibleAt });
    }
  }
}
