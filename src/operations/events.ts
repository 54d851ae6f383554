import * as z from 'zod';
import { defineEvent, subscriptions } from '../cqrs/log/event';

// The events of operators' commands. With them the audit trail shows the work of operators as well.

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

/** The positions and subscriptions of dead letters. The event of a dead letter is in the log, at the same position. */
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

/** An operator's wish that one document is projected at once. Its stream is the request, so that no two of them conflict. */
export const ProjectionRequested = defineEvent({
  type: 'ProjectionRequested',
  streamType: 'projection-request',
  schema: z.strictObject({
    /** The view's id, with its shape version. */
    view: z.string(),
    key: z.string(),
    /** The time of the mark, by which a repair knows its own. */
    markedAt: z.iso.datetime(),
  }),
});

export const operationsEvents = [
  RebuildStarted,
  RebuildCancelled,
  DeadLettersReplayed,
  DeadLettersDiscarded,
  ProjectionRequested,
];
