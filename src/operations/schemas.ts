import * as z from 'zod';
import { subscriptions } from '../cqrs/log/event';
import { pageFields } from '../cqrs/reading/pages';
import { rebuildStatuses } from '../cqrs/reading/rebuild-status';
import { count, ordinal } from '../platform/numbers';
import { uuid } from '../platform/uuid';

export const health = z
  .object({ status: z.literal('ok'), version: z.string().meta({ examples: ['1.0.0'] }) })
  .meta({ ref: 'Health' });

export const issueCodes = [
  'd1-unreachable',
  'kv-unreachable',
  'deliveries-late',
  'projections-slow',
  'dead-letters',
  'erasures-stalled',
] as const;
export type IssueCode = (typeof issueCodes)[number];

export const readiness = z
  .object({
    status: z.enum(['ready', 'degraded', 'unavailable']),
    issues: z.array(
      z.object({
        code: z.enum(issueCodes),
        detail: z.string().meta({ examples: ['3 dead letters wait for a decision.'] }),
        remedy: z.string().meta({
          examples: ['Look at the groups of dead letters, remove the cause of their error, and replay them.'],
          description: 'What an operator does about it.',
        }),
        details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).meta({
          description: 'The facts of `detail`, for texts in another language.',
          examples: [{ count: 3 }],
        }),
      }),
    ),
  })
  .meta({ ref: 'Readiness' });
export type Readiness = z.infer<typeof readiness>;

/** An id in a response, which is mostly a UUID. */
const id = z.string().meta({ examples: ['0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'] });
/** A read model, in a response. */
const view = z.string().meta({ examples: ['ticket'] });

export const viewName = z
  .string()
  .regex(/^[a-z][a-z-]{0,63}$/)
  .meta({ examples: ['ticket'] });

export const rebuild = z
  .object({
    id: uuid,
    view,
    status: z.enum(rebuildStatuses),
    progress: z.number().min(0).max(1).meta({ description: 'The part of the event log that has been replayed.' }),
    checkpoint: count,
    target: count,
    keys: count.meta({ description: 'The number of keys that have been projected.' }),
    failedKeys: count.meta({
      description: 'Keys of the read model whose documents cannot be made from D1; the list of projections names them.',
    }),
    lastError: z
      .string()
      .nullable()
      .meta({ examples: [null] }),
    startedAt: z.iso.datetime(),
  })
  .meta({ ref: 'Rebuild' });

export const projection = z
  .object({
    view,
    position: count.meta({ description: 'The documents contain every event up to this position.' }),
    lagEvents: count.meta({ description: 'The number of events that the documents do not contain yet.' }),
    lagSeconds: count.meta({ description: 'The age of the oldest of these events, in seconds.' }),
    lagP50Seconds: z.number().nullable().meta({
      description:
        'Half of the events of the last hour were in their documents after so many seconds; null if there were none.',
    }),
    lagP99Seconds: z.number().nullable().meta({
      description: 'The same for 99 of 100 events. 300 means 300 or more.',
    }),
    isWithinTarget: z.boolean().meta({
      description:
        'Whether no event waits longer than the target now, and 99 of 100 events of the last hour did not, if there were 100.',
    }),
    keys: count.meta({ description: 'Its documents; up to 1,000 are counted.' }),
    keysToRecheck: count.meta({
      description: 'Keys that are projected once more, because an earlier put may still arrive.',
    }),
    failedKeys: count.meta({ description: 'Keys whose documents cannot be made from D1; up to 1,000 are counted.' }),
    failures: z
      .array(
        z.object({
          key: z.string().meta({ examples: ['0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'] }),
          error: z.string().meta({ examples: ['SyntaxError'] }),
        }),
      )
      .meta({ description: 'The first 20 of the failing keys, each with the class of its error.' }),
    lastError: z
      .string()
      .nullable()
      .meta({ examples: [null], description: 'An error of one of the pending events, if there is any.' }),
    rebuild: rebuild.nullable().meta({ description: 'The rebuild that is running; null if none is.' }),
  })
  .meta({ ref: 'Projection' });
export type Projection = z.infer<typeof projection>;

const round = (what: string) =>
  z.object({
    startedAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: `When the last round through ${what} began.` }),
    finishedAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: `When a round through ${what} last came to its end; null before the first one.` }),
  });

export const projectionList = z
  .object({
    position: count,
    isComplete: z.boolean().meta({
      description:
        'Whether the whole backlog was counted. Of 10,000 deliveries or more the oldest are, and of so many keys to recheck some.',
    }),
    lagTargetSeconds: ordinal.meta({
      description: 'How many seconds the lag may be: `LAG_TARGET_SECONDS` of the configuration.',
      examples: [30],
    }),
    data: z.array(projection),
    reconciliation: z
      .object({
        documents: round('the documents, each of which is compared with the database,'),
        keys: round('the keys of KV, to find documents that nothing keeps up to date,'),
      })
      .meta({ description: 'The two walks of the reconciler, which begins a round of each once a day.' }),
  })
  .meta({ ref: 'ProjectionList' });

/** The figures in the text format of Prometheus. */
export const metricsText = z.string().meta({
  ref: 'Metrics',
  examples: ['# TYPE frontdesk_events_total counter\nfrontdesk_events_total 42\n'],
});

export const rebuildList = z.object({ data: z.array(rebuild) }).meta({ ref: 'RebuildList' });

export const erasure = z
  .object({
    userId: id.meta({ description: 'The account, which is deleted.' }),
    steps: count.meta({ description: 'How many steps are done.' }),
    rows: count.meta({ description: 'How many items, orders and tickets were erased.' }),
    rowsLeft: count.meta({ description: 'How many of them are left.' }),
    attempts: count.meta({ description: 'How many failures of its own followed each other without a success.' }),
    lastError: z
      .string()
      .nullable()
      .meta({ examples: ['SyntaxError'] }),
    startedAt: z.iso.datetime(),
    progressedAt: z.iso.datetime(),
  })
  .meta({ ref: 'Erasure' });

export const erasureList = z.object({ data: z.array(erasure) }).meta({ ref: 'ErasureList' });

export const subscription = z.enum(subscriptions);

/** The key of a document in its read model: an id, or a word such as `all`. */
export const documentKeyText = z
  .string()
  .toLowerCase()
  .regex(/^[\w-]{1,64}$/)
  .meta({ examples: ['0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'] });

/** What the list of dead letters and the list of waiting deliveries say about a delivery. */
export const delivery = z.object({
  id: z.string().meta({ examples: ['42-emails'] }),
  position: count,
  subscription,
  type: z.string().meta({ examples: ['TicketOpened'] }),
  streamType: z.string().meta({ examples: ['ticket'] }),
  streamId: id,
  requestId: id
    .nullable()
    .meta({ description: 'The request whose command recorded the event; the log has the same id.' }),
  occurredAt: z.iso.datetime(),
  attempts: count.meta({ description: 'How often the work was tried and failed.' }),
  sends: count.meta({ description: 'How often the relay sent the delivery, after the send right after the commit.' }),
  lastError: z
    .string()
    .nullable()
    .meta({ examples: [null] }),
  firstFailedAt: z.iso.datetime().nullable(),
  lastFailedAt: z.iso.datetime().nullable(),
});

export const faults = ['system', 'recipient'] as const;
export const fault = z.enum(faults);

/** The class of an error, without its message. */
export const errorClass = z
  .string()
  .min(1)
  .max(500)
  .meta({ examples: ['SyntaxError'] });

export const deadLetter = delivery
  .extend({
    fault: fault.meta({
      description:
        'Whose fault it is: `recipient` for an e-mail that its address does not take, which is removed after 30 days.',
    }),
    replays: count.meta({ description: 'How often operators have replayed it.' }),
  })
  .meta({ ref: 'DeadLetter' });
export type DeadLetter = z.infer<typeof deadLetter>;

export const deadLetterPage = z.object({ data: z.array(deadLetter), ...pageFields }).meta({ ref: 'DeadLetterPage' });

export const waitingDelivery = delivery
  .extend({
    nextSendAt: z.iso
      .datetime()
      .meta({ description: 'When the relay sends the delivery again, if nobody handled it.' }),
  })
  .meta({ ref: 'WaitingDelivery' });
export type WaitingDelivery = z.infer<typeof waitingDelivery>;

export const waitingDeliveryPage = z
  .object({ data: z.array(waitingDelivery), ...pageFields })
  .meta({ ref: 'WaitingDeliveryPage' });

export const deadLetterId = z
  .string()
  .regex(new RegExp(`^[1-9]\\d{0,14}-(?:${subscriptions.join('|')})$`))
  .meta({ examples: ['42-emails'] });

/** Some dead letters by their ids. */
const deadLetterIds = z.array(deadLetterId).min(1).max(100).meta({
  description: 'These dead letters; those that are none any more are left out. No other field may be sent beside it.',
});

const namesOneWay = ({ ids, ...others }: { ids?: readonly string[] | undefined }) =>
  ids === undefined || Object.keys(others).length === 0;
const idsAlone = { path: ['ids'], error: 'no other field may be sent beside the ids' };

export const deadLetterFilter = z
  .strictObject({
    subscription: subscription.optional(),
    fault: fault.optional(),
    error: errorClass.nullable().optional().meta({ description: 'The last error; null for dead letters without one.' }),
    ids: deadLetterIds.optional(),
  })
  .refine(namesOneWay, idsAlone)
  .meta({
    ref: 'DeadLetterFilter',
    examples: [{ subscription: 'emails' }, { ids: ['42-emails'] }],
  });

/** The dead letters of one group, or some by their ids. One of both must be named, so that nobody discards everything by an empty body. */
export const deadLetterGroupFilter = z
  .strictObject({
    subscription: subscription.optional(),
    error: errorClass.nullable().optional(),
    fault: fault.optional(),
    ids: deadLetterIds.optional(),
  })
  .refine(namesOneWay, idsAlone)
  .refine(({ ids, subscription, error }) => ids !== undefined || (subscription !== undefined && error !== undefined), {
    error: 'name a group by its subscription and its error, or dead letters by their ids',
  })
  .meta({
    ref: 'DeadLetterGroupFilter',
    description: 'A group, by `subscription` and `error`, or `ids`.',
    examples: [{ subscription: 'emails', error: 'EmailError: SMTP_550' }, { ids: ['42-emails'] }],
  });

export const deadLetterResult = z
  .object({
    count: count,
    remaining: count.meta({
      description:
        'Dead letters that are left, because one command changes at most 500. Up to 100 are counted. Send the command again.',
    }),
    decision: ordinal.nullable().meta({
      description:
        'Under this number `GET /v1/operations/dead-letter-decisions/{decision}` says what became of them; null if there was none to change.',
    }),
  })
  .meta({ ref: 'DeadLetterResult' });

export const auditEvent = z
  .object({
    position: count,
    id,
    type: z.string().meta({ examples: ['TicketOpened'] }),
    streamType: z.string().meta({ examples: ['ticket'] }),
    streamId: id,
    version: ordinal,
    schemaVersion: ordinal,
    data: z.unknown().meta({
      examples: [{ subject: 'My parcel is late' }],
      description: 'Null for an event that cannot be read from the log.',
    }),
    occurredAt: z.iso.datetime(),
    actorId: id.nullable(),
    keyId: id.nullable().meta({ description: 'The API key with which the account acted; null for a person.' }),
    commandId: id.nullable(),
    requestId: id.nullable(),
    traceparent: z
      .string()
      .nullable()
      .meta({ examples: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'] }),
  })
  .meta({ ref: 'AuditEvent' });
export type AuditEvent = z.infer<typeof auditEvent>;

export const auditPage = z.object({ data: z.array(auditEvent), ...pageFields }).meta({ ref: 'AuditPage' });

export const deadLetterDetail = deadLetter
  .extend({ event: auditEvent.meta({ description: 'The event, which is also in the log at this position.' }) })
  .meta({ ref: 'DeadLetterDetail' });
export type DeadLetterDetail = z.infer<typeof deadLetterDetail>;

export const deadLetterGroup = z
  .object({
    subscription,
    error: errorClass.nullable(),
    fault,
    count: count,
    firstFailedAt: z.iso.datetime().nullable(),
    lastFailedAt: z.iso.datetime().nullable(),
    attempts: count.meta({ description: 'The most attempts of one of them.' }),
    replays: count.meta({ description: 'The most replays of one of them.' }),
    newest: deadLetterId.meta({ description: 'The newest of them.' }),
  })
  .meta({ ref: 'DeadLetterGroup' });
export type DeadLetterGroup = z.infer<typeof deadLetterGroup>;

export const deadLetterGroupList = z
  .object({
    data: z.array(deadLetterGroup).meta({ description: 'Up to 100 groups, those with the newest dead letters first.' }),
    isComplete: z.boolean().meta({
      description: 'Whether all dead letters were looked at. Of more than 1,000 of a subscription, the newest are.',
    }),
  })
  .meta({ ref: 'DeadLetterGroupList' });
