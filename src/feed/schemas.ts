import * as z from 'zod';
import { pageLimit } from '../cqrs/reading/page-request';
import { limits } from '../platform/limits';
import { count, ordinal } from '../platform/numbers';

/** A whole number from 0 in decimal digits, because `Number` would also read ` 5`, `0x5` and `1e1`. */
const wholeNumber = (most: number, usual: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number in decimal digits')
    .transform(Number)
    .pipe(z.int().min(0).max(most))
    .default(usual)
    .meta({ type: 'integer', pattern: undefined, minimum: 0, maximum: most });

/** How long a request can wait for news, in seconds. */
export const longestWaitSeconds = 25;

export const feedRequest = z.object({
  after: wholeNumber(999_999_999_999_999, 0).describe(
    'Your checkpoint: the `nextAfter` of the last answer; 0 begins with the first event.',
  ),
  epoch: z.string().min(1).max(64).optional().meta({
    description:
      'The `epoch` of the answer that your checkpoint comes from. If it is not the current one any more, the status is 409.',
  }),
  types: z
    .string()
    .min(1)
    .max(2_000)
    .transform((text) => text.split(','))
    .optional()
    .meta({
      type: 'string',
      description: 'Only events of these types, with commas between them; the start `frontdesk.` can be left out.',
      examples: ['frontdesk.OrderPlaced,frontdesk.OrderCancelled'],
    }),
  limit: pageLimit(limits.eventsPerFeedPage, 100),
  wait: wholeNumber(longestWaitSeconds, 0).describe(
    'How many seconds the answer may wait for an event, where there is none after the checkpoint.',
  ),
});
export type FeedRequest = z.output<typeof feedRequest>;

const id = z.string().meta({ examples: ['0198c7a2-77d1-7b0e-8f3a-2f6f1c9e4d05'] });

/** An event of the feed or of an export; `cqrs/log/envelope.ts` makes it. */
export const cloudEvent = z
  .object({
    specversion: z.literal('1.0'),
    id,
    source: z.string().meta({ format: 'uri-reference', examples: ['https://frontdesk.example'] }),
    type: z.string().meta({ examples: ['frontdesk.OrderShipped'] }),
    subject: z.string().meta({ examples: ['order/0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'] }),
    time: z.iso.datetime(),
    datacontenttype: z.literal('application/json'),
    dataschema: z.url(),
    data: z.unknown().meta({
      examples: [{ customerId: '0198c79f-0c52-7e11-8a50-93b1d0c7e6a4', items: [] }],
      description: 'Ids and facts in the newest version of the type, never names, addresses or texts.',
    }),
    position: ordinal,
    streamversion: ordinal,
    schemaversion: ordinal,
    epoch: z.string().meta({ examples: ['1'] }),
    commandid: id,
    requestid: id,
    actorid: id.optional(),
    keyid: id.optional(),
    traceparent: z
      .string()
      .optional()
      .meta({ examples: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'] }),
  })
  .meta({ ref: 'CloudEvent' });

export const feedPage = z
  .object({
    data: z.array(cloudEvent).meta({ description: 'A batch of CloudEvents 1.0, in the order of their positions.' }),
    nextAfter: count.meta({
      description:
        'Your next checkpoint. With `types` it also passes events of other types, so store it when `data` is empty too.',
    }),
    epoch: z.string().meta({ examples: ['1'], description: 'The history to which the positions belong.' }),
    isUpToDate: z.boolean().meta({
      description: 'Whether the answer reached the end of the log; `Age` says how old this end may be.',
    }),
  })
  .meta({ ref: 'EventFeed' });
export type FeedPage = z.infer<typeof feedPage>;
