import * as z from 'zod';
import { count } from '../platform/numbers';

const time = z.iso.datetime();

export const scheduledTask = z
  .object({
    task: z.string().meta({ examples: ['relay'] }),
    cron: z.string().meta({ examples: ['* * * * *'], description: 'The trigger that starts it (UTC).' }),
    startedAt: time,
    durationMs: count,
    outcome: z.enum(['done', 'failed']),
    error: z
      .string()
      .nullable()
      .meta({ examples: [null], description: 'The class of the error with which it failed.' }),
    succeededAt: time.nullable().meta({ description: 'When it last began a run that did not fail.' }),
  })
  .meta({ ref: 'ScheduledTask' });
export type ScheduledTask = z.infer<typeof scheduledTask>;

export const schedule = z.object({ data: z.array(scheduledTask) }).meta({ ref: 'Schedule' });

export const queueBacklog = z
  .object({
    queue: z.string().meta({ examples: ['projections'] }),
    deliveries: z
      .object({
        pending: count.meta({ description: 'Deliveries that are neither done nor dead; up to 1,000 are counted.' }),
        oldestSeconds: count,
        dead: count.meta({ description: 'Dead letters that are the fault of the system; up to 1,000 are counted.' }),
      })
      .nullable()
      .meta({ description: 'What the database knows; null for a queue without deliveries.' }),
    backlog: z
      .object({ messages: count, bytes: count, oldestAt: time.nullable() })
      .nullable()
      .meta({ description: 'What the platform says of the queue; null where it says nothing.' }),
  })
  .meta({ ref: 'QueueBacklog' });
export type QueueBacklog = z.infer<typeof queueBacklog>;

export const queueList = z.object({ data: z.array(queueBacklog) }).meta({ ref: 'QueueList' });
