import type { ObservedLog } from './log';
import type { Moment, Reading } from './queries';
import type { ReadAnswer } from './record';

// A consumer of the feed, as another team would write it: it keeps its checkpoint with what it has made of the events, and
// after a restore it goes back to the position that the operators name.

interface SeenEvent {
  position: number;
  id: string;
}

interface FeedContent {
  events: SeenEvent[];
  nextAfter: number;
  epoch: string;
  isUpToDate: boolean;
}

export interface Checkpoint {
  after: number;
  epoch: string | undefined;
}

export class FeedConsumer {
  checkpoint: Checkpoint = { after: 0, epoch: undefined };
  /** Every event that it has seen and that still counts, in the order in which it came. */
  seen: SeenEvent[] = [];
  /** The part of the log for which the operators have told it where to go on. */
  #segment = 0;

  /** Takes an answer, unless the answer to another request has moved the checkpoint meanwhile. */
  learn(asked: Checkpoint, answer: ReadAnswer, log: ObservedLog): void {
    if (this.checkpoint !== asked) return;
    if (answer.kind === 'refused' && answer.code === 'events.other-epoch') this.#followRestore(log);
    if (answer.kind !== 'read') return;
    const { events, nextAfter, epoch } = answer.answer.content as FeedContent;
    this.seen.push(...events);
    this.checkpoint = { after: nextAfter, epoch };
  }

  /** What docs/operations.md asks other teams to do after a restore. */
  #followRestore({ current, segment, segments }: ObservedLog): void {
    const kept = Math.min(...segments.slice(this.#segment + 1).map(({ base }) => base));
    if (kept === Number.POSITIVE_INFINITY) return;
    this.#segment = segment;
    this.checkpoint = { after: Math.min(this.checkpoint.after, kept), epoch: current.epoch };
    this.seen = this.seen.filter(({ position }) => position <= kept);
  }
}

/**
 * What a page of the feed has at a moment. It may end early, before an event that the version cannot read, but then it does not
 * say that it reached the end; and a page without an event goes on.
 */
export function expectPage(
  { events }: Moment,
  content: unknown,
  { after, types, limit }: { after: number; types?: readonly string[] | undefined; limit: number },
): unknown {
  if (typeof content !== 'object' || content === null) return 'a page';
  // Which processes still have the epoch from before a restore depends on the world, and so does what the consumer was told.
  if ('refused' in content && content.refused === 'events.other-epoch') return content;
  if ('refused' in content) return after > events.length ? { refused: 'events.unknown-position' } : 'a page';
  const { nextAfter, epoch } = content as FeedContent;
  const isUpToDate = nextAfter === events.length;
  if (nextAfter < after || nextAfter > events.length || (nextAfter === after && !isUpToDate))
    return 'a page that goes on';
  const passed = events.slice(after, nextAfter).filter(({ recordedType }) => types?.includes(recordedType) ?? true);
  return { events: passed.slice(0, limit).map(({ position, id }) => ({ position, id })), nextAfter, epoch, isUpToDate };
}

/** A read of the feed; `consumer` keeps what it learns. */
export function readingOfFeed(
  by: Reading['by'],
  {
    checkpoint,
    ...filter
  }: { checkpoint: Checkpoint; limit: number; types?: readonly string[] | undefined; wait: number },
  consumer?: FeedConsumer,
): Reading {
  const { after, epoch } = checkpoint;
  return {
    what: `the events after ${after}, ${filter.limit} at most, of ${filter.types?.join(' and ') ?? 'all types'}`,
    by,
    async run(queries) {
      const { data, freshness, ...page } = await queries.ReadEvents({ after, epoch, ...filter });
      return { content: { ...page, events: data.map(({ position, id }) => ({ position, id })) }, freshness };
    },
    expect: (moment, content) =>
      by?.caller.role === 'admin'
        ? expectPage(moment, content, { after, ...filter })
        : { refused: 'auth.insufficient-role' },
    learn: (answer, log) => consumer?.learn(checkpoint, answer, log),
  };
}
