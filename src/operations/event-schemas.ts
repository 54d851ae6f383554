import * as z from 'zod';
import { auditEvent } from './schemas';
import { work } from './work-schemas';

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
    work: z.array(work).meta({
      description:
        'What became of the work for this event: one entry for each subscription that receives events of its type.',
    }),
    caused: z.array(auditEvent).meta({
      description:
        'The first events that it caused later in the background, such as the steps of an erasure; up to 50.',
    }),
  })
  .meta({ ref: 'EventDetail' });
export type EventDetail = z.infer<typeof eventDetail>;
