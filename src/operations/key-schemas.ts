import * as z from 'zod';
import { pageFields } from '../cqrs/reading/pages';
import { count } from '../platform/numbers';
import { delivery } from './schemas';

/** Why a document is, or is not, up to date. */
export const verdictCodes = [
  'up-to-date',
  'no-such-document',
  'failing',
  'claimed',
  'event-waits',
  'event-dead',
  'to-be-rechecked',
  'other-epoch',
  'broken',
  'missing',
  'missed-an-event',
  'cached',
  'different',
] as const;
export type VerdictCode = (typeof verdictCodes)[number];

const data = z.unknown().meta({ examples: [{ subject: 'My parcel is late' }] });
const time = z.iso.datetime();
const version = { version: count, revision: z.string().nullable(), data };

/** A delivery that is not done. */
export const openDelivery = delivery.extend({ status: z.enum(['pending', 'dead']), nextSendAt: time });

export const projectedKey = z
  .object({
    view: z.string().meta({ examples: ['ticket'] }),
    shape: z.string().meta({ examples: ['ticket@2'], description: 'The read model with its shape version.' }),
    key: z.string().meta({ examples: ['0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'] }),
    verdict: z.object({
      code: z.enum(verdictCodes),
      detail: z.string().meta({ examples: ['KV has the same document as the database.'] }),
      since: time.nullable().meta({ description: 'Since when it is so, if that is known.' }),
      until: time.nullable().meta({ description: 'When it ends or is looked at again, if that is known.' }),
    }),
    kv: z.object({
      state: z.enum(['absent', 'broken', 'other-epoch', 'present']),
      document: z
        .object({
          ...version,
          asOf: count.meta({ description: 'The document contains every event up to this position.' }),
          projectedAt: time,
          epoch: z.string().meta({ examples: ['1'] }),
        })
        .nullable(),
    }),
    database: z.object({
      document: z.object(version).nullable().meta({ description: 'What the projector would put now.' }),
      error: z
        .string()
        .nullable()
        .meta({ examples: [null], description: 'The class of the error with which it cannot be made.' }),
    }),
    isSame: z.boolean().meta({ description: 'Whether both have the same content and version.' }),
    row: z
      .object({
        position: count.meta({ description: 'The document that was put last contains every event up to here.' }),
        claimedUntil: time.nullable().meta({ description: 'Until when a run holds the document; null if none does.' }),
        lastTouchedAt: time.nullable().meta({ description: 'Until when the last claim held at most.' }),
        recheckAt: time.nullable(),
        error: z
          .string()
          .nullable()
          .meta({ examples: [null] }),
      })
      .nullable()
      .meta({ description: 'What is known about the document in the table `projections`.' }),
    epoch: z.string().meta({ examples: ['1'], description: 'The epoch that documents must have.' }),
    floor: count.meta({ description: 'A document that is older than this position has missed an event.' }),
    logPosition: count.meta({ description: 'The position of the newest event.' }),
    otherShapes: z
      .array(z.object({ shape: z.string().meta({ examples: ['ticket@1'] }), position: count }))
      .meta({ description: 'The same document in the shapes of other versions of the Worker.' }),
    deliveries: z.array(openDelivery).meta({
      description: 'The deliveries of events that touch this document and are not done; up to 20.',
    }),
    isSearchComplete: z.boolean().meta({
      description:
        'Whether all deliveries were searched. Of a longer backlog, the 500 that are due first and the newest 500 dead ones are.',
    }),
  })
  .meta({ ref: 'ProjectedKey' });
export type ProjectedKey = z.infer<typeof projectedKey>;

const recheck = z
  .object({
    id: z.string().meta({ examples: ['ticket@2/0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'] }),
    view: z.string().meta({ examples: ['ticket'] }),
    shape: z.string().meta({ examples: ['ticket@2'], description: 'The read model with its shape version.' }),
    key: z.string().meta({ examples: ['0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'] }),
    position: count.meta({ description: 'The document that was put last contains every event up to here.' }),
    recheckAt: time.meta({ description: 'The relay projects it in its first run after this time.' }),
  })
  .meta({ ref: 'Recheck' });
export type Recheck = z.infer<typeof recheck>;

export const recheckPage = z.object({ data: z.array(recheck), ...pageFields }).meta({ ref: 'RecheckPage' });
