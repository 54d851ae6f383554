import * as z from 'zod';
import { defineEvent } from '../cqrs/log/event';
import { exportKinds } from './export-kind';

/** Somebody was given an export. The audit trail says who it was; the event has no exported data. */
export const DataExported = defineEvent({
  type: 'DataExported',
  streamType: 'export',
  schema: z.strictObject({
    kind: z.enum(exportKinds),
    /** The span of time that was asked for; null for no bound. */
    from: z.iso.datetime().nullable(),
    to: z.iso.datetime().nullable(),
    includesPersonal: z.boolean(),
    /** Whose data it is, for an account. */
    userId: z.uuid().nullable(),
  }),
});

export const exportEvents = [DataExported];
