import { z } from 'zod';
import { openDelivery } from './key-schemas';
import { auditEvent } from './schemas';

export const eventDetail = z
  .object({
    event: auditEvent,
    related: z.array(auditEvent).meta({
      description: 'The other events of the same command, and of the same request, in the order of the log; up to 50.',
    }),
    documents: z
      .array(
        z.object({
          view: z.string().meta({ examples: ['ticket'] }),
          key: z.string().meta({ examples: ['0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'] }),
        }),
      )
      .meta({ description: 'The documents that the event touches, up to 50; each can be inspected.' }),
    deliveries: z.array(openDelivery).meta({ description: 'The work for this event that is not done.' }),
  })
  .meta({ ref: 'EventDetail' });
export type EventDetail = z.infer<typeof eventDetail>;
