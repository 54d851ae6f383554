import { type Process, SimulatedFault } from './process';
import { describeMessage } from './trace';
import type { World } from './world';

/** Fewer retries than in wrangler.toml, so that messages reach the dead-letter queue within the time of a history. */
const queues = {
  'frontdesk-projections': { batchSize: 10, retries: 3, hasDeadLetters: true },
  'frontdesk-emails': { batchSize: 5, retries: 2, hasDeadLetters: true },
  'frontdesk-rebuilds': { batchSize: 1, retries: 20, hasDeadLetters: true },
  'frontdesk-dead-letters': { batchSize: 10, retries: 100, hasDeadLetters: false },
} as const;

export type QueueName = keyof typeof queues;
export const queueNames = Object.keys(queues) as QueueName[];

/** What Cloudflare documents for one send. */
export const sendLimits = { messages: 100, bytes: 256_000, messageBytes: 128_000 };

/** How long Cloudflare waits for a consumer before it delivers the messages of a batch again: 15 minutes at most. */
const consumerMs = 15 * 60_000;

interface Stored {
  queue: QueueName;
  /** The body as JSON, as the queue stores it. */
  body: string;
  attempts: number;
  visibleAt: number;
}

type Consume = (batch: MessageBatch, name: string, ended: (hasEnded: boolean) => void) => Process;

interface Sent {
  body: unknown;
  delaySeconds?: number | undefined;
}

export function shortName(queue: QueueName): string {
  return queue.replace('frontdesk-', '');
}

/** Queues that lose, duplicate, delay and reorder messages, and that run many consumers at the same time. */
export class QueuesModel {
  #messages: Stored[] = [];
  #delivered = 0;
  /** How many messages of dead consumers have not come back yet. */
  #held = 0;
  limits = sendLimits;

  /** @param consume starts a consumer, which reports at its end that it handled the batch */
  constructor(
    readonly world: World,
    readonly consume: Consume,
  ) {}

  get isEmpty(): boolean {
    return this.#messages.length === 0 && this.#held === 0;
  }

  /** When the next message becomes visible. */
  get nextVisibleAt(): number {
    return Math.min(...this.#messages.map(({ visibleAt }) => visibleAt));
  }

  #enqueue(process: Process, queue: QueueName, body: string, delaySeconds = 0): void {
    const { world } = this;
    const name = shortName(queue);
    const report = (what: string) => world.trace?.(process, `${name}: ${describeMessage(JSON.parse(body))} ${what}`);
    if (world.fault('faults', 'a queue loses a message', 0.04, name)) return void report('is lost');
    const copies = world.fault('faults', 'a queue duplicates a message', 0.05, name) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const late = world.fault('faults', 'a message is late', 0.1, name) ? world.between(0, 90_000) : 0;
      const delayMs = delaySeconds * 1000 + late;
      report(delayMs === 0 ? 'is sent' : `is sent and becomes visible after ${delayMs} ms`);
      this.#messages.push({ queue, body, attempts: 1, visibleAt: world.now + delayMs });
    }
  }

  /** @throws Error as Cloudflare does for a send that is too large: no message of it is stored */
  #requireWithinLimits(queue: QueueName, bodies: readonly string[], reached: number): void {
    const { world, limits } = this;
    if (bodies.length >= reached) world.coverage.count('limit reached', 'messagesPerSend');
    if (!world.hardships.has('platform-limits')) return;
    const bytes = bodies.reduce((total, body) => total + body.length, 0);
    if (bytes > limits.bytes / 2) world.coverage.count('limit half reached', 'bytes of a send');
    const isTooLarge = bytes > limits.bytes || bodies.some((body) => body.length > limits.messageBytes);
    if (bodies.length <= limits.messages && !isTooLarge) return;
    world.trace?.(shortName(queue), `refuses a send of ${bodies.length} messages and ${bytes} bytes`);
    world.coverage.count('a queue refuses a send that is too large', shortName(queue));
    throw new Error('Queue sendBatch failed: 413 Payload Too Large');
  }

  /** The producer's binding as a process sees it. */
  bind(process: Process, queue: QueueName): Queue {
    const { world } = this;
    const name = shortName(queue);
    const step = `send to ${name}`;
    const send = async (messages: readonly Sent[]) => {
      const bodies = messages.map(({ body }) => JSON.stringify(body));
      this.#requireWithinLimits(queue, bodies, process.release.limits.messagesPerSend);
      const enqueue = () => {
        for (const [index, body] of bodies.entries())
          this.#enqueue(process, queue, body, messages[index]?.delaySeconds);
      };
      return world.operation(
        process,
        step,
        () => {
          if (world.isAway(name)) {
            world.coverage.count('outage', step);
            throw new SimulatedFault('Queue send failed: 503 Service Unavailable');
          }
          if (world.fault('faults', 'a queue refuses a send', 0.03, step)) {
            throw new SimulatedFault('Queue send failed: 503 Service Unavailable');
          }
          enqueue();
          if (world.fault('faults', 'a queue takes a send, and the answer is lost', 0.02, step)) {
            throw new SimulatedFault('Queue send failed: 500 Internal Server Error');
          }
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
    const visible = this.#messages.filter(
      ({ queue, visibleAt }) => visibleAt <= world.now && !world.isAway(shortName(queue)),
    );
    const queue = world.pick(visible)?.queue;
    if (!queue) return false;
    const candidates = visible.filter((message) => message.queue === queue);
    const taken: Stored[] = [];
    const size = world.hasFaults ? world.between(1, queues[queue].batchSize) : queues[queue].batchSize;
    for (let left = size; left > 0 && candidates.length > 0; left--) {
      taken.push(...candidates.splice(Math.floor(world.random() * candidates.length), 1));
    }
    if (taken.length === queues[queue].batchSize) world.coverage.count('limit reached', `batch of ${shortName(queue)}`);
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
      body: JSON.parse(stored.body),
      ack: () => void retried.delete(stored),
      retry: ({ delaySeconds = 0 } = {}) => void retried.set(stored, delaySeconds),
    }));
    // The model has only what consumers use.
    const batch = { queue, messages } as unknown as MessageBatch;
    this.#held += taken.length;
    const process = this.consume(batch, shortName(queue), (hasEnded) => {
      if (!hasEnded) return comeBack();
      this.#held -= taken.length;
      const acknowledged = taken.filter((stored) => !retried.has(stored));
      world.trace?.(process, `acknowledges ${describeAll(acknowledged)}; retries ${describeAll([...retried.keys()])}`);
      for (const [stored, delaySeconds] of retried) this.#deliverAgain(stored, delaySeconds);
    });
    // A batch whose consumer has died is delivered again, with the messages that the consumer acknowledged.
    const comeBack = () => {
      const isLate = world.fault('late-messages', 'messages of a dead consumer come back late', 0.3, shortName(queue));
      world.after(isLate ? consumerMs : 30_000, () => {
        this.#held -= taken.length;
        world.trace?.(shortName(queue), `${describeAll(taken)} come back, because consumer ${process.id} has died`);
        for (const stored of taken) this.#deliverAgain(stored, 0);
      });
    };
    world.trace?.(process, `receives ${describeAll(taken)}`);
  }

  #deliverAgain(stored: Stored, delaySeconds: number): void {
    const { world } = this;
    const { hasDeadLetters, retries } = queues[stored.queue];
    const visibleAt = world.now + delaySeconds * 1000;
    if (stored.attempts <= retries) {
      this.#messages.push({ ...stored, attempts: stored.attempts + 1, visibleAt });
      return;
    }
    if (!hasDeadLetters) return;
    const name = shortName(stored.queue);
    world.note('a message moves to the dead letters', name);
    this.#messages.push({ ...stored, queue: 'frontdesk-dead-letters', attempts: 1, visibleAt });
    // Also after the faults: the message was duplicated when it was sent.
    if (!world.chance(0.2) || !world.hardships.has('faults')) return;
    world.note('a dead letter arrives again minutes later', name);
    const later = world.now + world.between(60_000, 600_000);
    this.#messages.push({ ...stored, queue: 'frontdesk-dead-letters', attempts: 1, visibleAt: later });
  }
}

function describeAll(messages: readonly Stored[]): string {
  const describe = ({ attempts, body }: Stored) =>
    `${describeMessage(JSON.parse(body))}${attempts === 1 ? '' : ` (try ${attempts})`}`;
  return messages.length === 0 ? 'nothing' : messages.map(describe).join(', ');
}
