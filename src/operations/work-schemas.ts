import * as z from 'zod';
import { count, ordinal } from '../platform/numbers';
import { auditEvent, deadLetterId, errorClass, subscription } from './schemas';

export const workStates = ['done', 'waiting', 'dead', 'discarded', 'unknown'] as const;
export type WorkState = (typeof workStates)[number];

const state = z.enum(workStates).meta({
  description:
    '`done` also says of an e-mail that nobody was to get it. `unknown`: it is finished, and it is too long ago to tell done from discarded.',
});

/** What became of the work for one event that one subscription receives. */
export const work = z
  .object({
    id: deadLetterId.meta({ description: 'The position of the event and the subscription.' }),
    subscription,
    state,
    attempts: count.meta({ description: 'How often the work was tried and failed; 0 for work that is finished.' }),
    lastError: errorClass.nullable().meta({ examples: [null] }),
    nextSendAt: z.iso
      .datetime()
      .nullable()
      .meta({
        examples: [null],
        description: 'When the relay sends it again, if nobody handled it; null unless it waits.',
      }),
  })
  .meta({ ref: 'Work' });

export const deadLetterDecision = z
  .object({
    decision: ordinal,
    action: z.enum(['replayed', 'discarded']),
    event: auditEvent.meta({ description: 'The event of the decision: who decided, when, and in which request.' }),
    counts: z
      .object({ done: count, waiting: count, dead: count, discarded: count, unknown: count })
      .meta({ description: 'How many of the letters are in each state now.' }),
    data: z.array(work).meta({ description: 'Each letter of the decision, up to 500.' }),
  })
  .meta({ ref: 'DeadLetterDecision' });
export type DeadLetterDecision = z.infer<typeof deadLetterDecision>;
