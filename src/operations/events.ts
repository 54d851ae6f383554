import { z } from 'zod';
import { defineEvent, subscriptions } from '../cqrs/log/event';

// What those who run the system did: the audit trail shows it beside what users did.

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

/** Positions and subscriptions of the letters; which event each was is in the log at its position. */
const letters = z.strictObject({
  letters: z.array(z.strictObject({ position: z.int(), subscription: z.enum(subscriptions) })),
});

export const DeadLettersReplayed = defineEvent({
  type: 'DeadLettersReplayed',
  streamType: 'dead-letters',
  schema: letters,
});

export const DeadLettersDiscarded = defineEvent({
  type: 'DeadLettersDiscarded',
  streamType: 'dead-letters',
  schema: letters,
});

export const operationsEvents = [RebuildStarted, RebuildCancelled, DeadLettersReplayed, DeadLettersDiscarded];
