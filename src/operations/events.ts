import { z } from 'zod';
import { defineEvent, subscriptions } from '../cqrs/log/event';

// What operators did: the audit trail shows it beside what users did.

export const RebuildStarted = defineEvent({
  type: 'RebuildStarted',
  streamType: 'rebuild',
  schema: z.strictObject({ view: z.string() }),
});

export const RebuildCancelled = defineEvent({
  type: 'RebuildCancelled',
  streamType: 'rebuild',
  schema: z.strictObject({ view: z.string() }),
});

/** The one stream that records every replay and every discard of dead letters. */
export const deadLetterStream = { streamType: 'dead-letters', streamId: 'all' } as const;

/** Positions and subscriptions of the dead letters; the log has the event of each at its position. */
const letters = z.strictObject({
  letters: z.array(z.strictObject({ position: z.int(), subscription: z.enum(subscriptions) })),
});

export const DeadLettersReplayed = defineEvent({
  type: 'DeadLettersReplayed',
  streamType: deadLetterStream.streamType,
  schema: letters,
});

export const DeadLettersDiscarded = defineEvent({
  type: 'DeadLettersDiscarded',
  streamType: deadLetterStream.streamType,
  schema: letters,
});

export const operationsEvents = [RebuildStarted, RebuildCancelled, DeadLettersReplayed, DeadLettersDiscarded];
