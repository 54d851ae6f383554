import * as z from 'zod';
import type { RecordedEvent } from './event';

/**
 * An event as a queue message: CloudEvents 1.0 in JSON. The log's own fields are extension attributes: `position` is
 * the global order, `streamversion` the order within `subject`, `schemaversion` the version of `data`. `epoch` is the history of
 * the database to which the position belongs; messages of 0.2.0 have none. Up to 0.4.0 messages have no `dataschema`, and
 * all installations have the same `source`.
 */
const envelopeSchema = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  source: z.string().min(1),
  type: z.string().startsWith('frontdesk.'),
  subject: z.string().includes('/'),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  dataschema: z.url().optional(),
  data: z.unknown(),
  position: z.int().positive(),
  streamversion: z.int().positive(),
  schemaversion: z.int().positive(),
  epoch: z.string().optional(),
  commandid: z.string(),
  requestid: z.string(),
  actorid: z.string().optional(),
  keyid: z.string().optional(),
  traceparent: z.string().optional(),
});

export type Envelope = z.infer<typeof envelopeSchema>;

/** What an installation tells about itself in each message. */
export interface Origin {
  epoch: string;
  /** The URI of the installation, which no other one has. */
  source: string;
  /** The origin at which clients reach the API. */
  publicUrl: string;
}

/** The `type` of an event in CloudEvents. */
export function cloudEventType(type: string): string {
  return `frontdesk.${type}`;
}

/** Where an installation shows the JSON Schema of a version of an event's data. */
export function dataSchemaUri(publicUrl: string, type: string, version: number): string {
  return `${publicUrl}/v1/events/schemas/${cloudEventType(type)}/${version}`;
}

export function toEnvelope(event: RecordedEvent, { epoch, publicUrl, source }: Origin): Envelope {
  const { commandId, requestId, actorId, keyId, traceparent } = event.metadata;
  return {
    specversion: '1.0',
    id: event.id,
    source,
    type: cloudEventType(event.type),
    subject: `${event.streamType}/${event.streamId}`,
    time: event.occurredAt,
    datacontenttype: 'application/json',
    dataschema: dataSchemaUri(publicUrl, event.type, event.schemaVersion),
    data: event.data,
    position: event.position,
    streamversion: event.version,
    schemaversion: event.schemaVersion,
    epoch,
    commandid: commandId,
    requestid: requestId,
    ...(actorId === undefined ? {} : { actorid: actorId }),
    ...(keyId === undefined ? {} : { keyid: keyId }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** @throws ZodError for a message that is not an envelope of Frontdesk */
export function parseEnvelope(message: unknown): Envelope {
  return envelopeSchema.parse(message);
}

/** True for a message of another epoch; its event is not a part of this history of the database. */
export function isOfAnotherEpoch({ epoch }: { epoch?: string | undefined }, current: string): boolean {
  return epoch !== undefined && epoch !== current;
}

export function fromEnvelope(envelope: Envelope): RecordedEvent {
  const slash = envelope.subject.indexOf('/');
  return {
    position: envelope.position,
    id: envelope.id,
    type: envelope.type.slice('frontdesk.'.length),
    streamType: envelope.subject.slice(0, slash),
    streamId: envelope.subject.slice(slash + 1),
    version: envelope.streamversion,
    schemaVersion: envelope.schemaversion,
    data: envelope.data,
    metadata: {
      commandId: envelope.commandid,
      requestId: envelope.requestid,
      actorId: envelope.actorid,
      keyId: envelope.keyid,
      traceparent: envelope.traceparent,
    },
    occurredAt: envelope.time,
  };
}
