import * as z from 'zod';
import { cloudEventType } from '../cqrs/log/envelope';
import { type EventCatalogue, schemaOf } from '../cqrs/log/event';
import { tidySchemas } from '../http/openapi-schemas';
import { ordinal } from '../platform/numbers';
import { operationsErrors } from './errors';

/** Where the catalogue can be read. */
export const cataloguePath = '/v1/events/catalogue';

/** Makes the JSON Schema that other teams read. */
function publish(schema: z.ZodType) {
  const published = z.toJSONSchema(schema);
  tidySchemas(published);
  return published;
}

/** A JSON Schema (2020-12). */
export const jsonSchema = z.record(z.string(), z.unknown()).meta({
  ref: 'JsonSchema',
  examples: [{ type: 'object', properties: { subject: { type: 'string' } }, required: ['subject'] }],
});

const eventType = z.object({
  type: z.string().meta({ description: 'The CloudEvents `type`.', examples: ['frontdesk.TicketOpened'] }),
  streamType: z.string().meta({
    examples: ['ticket'],
    description: 'The `subject` of an event is the stream type, a slash, and the stream id.',
  }),
  schemaVersion: ordinal.meta({
    description: 'The newest version of the data; an event has its own version as `schemaversion`.',
  }),
  dataSchema: jsonSchema.meta({ description: 'The JSON Schema (2020-12) of `data` in the newest version.' }),
});

const attribute = z.object({
  name: z.string().meta({ examples: ['position'] }),
  type: z.enum(['String', 'Integer']).meta({ description: 'The type in the terms of CloudEvents.' }),
  required: z.boolean(),
  meaning: z.string().meta({ examples: ['The order of all events of an epoch.'] }),
});

export const eventCatalogueSchema = z
  .object({
    data: z.array(eventType),
    extensions: z.array(attribute).meta({ description: 'The extension attributes that every event has or can have.' }),
  })
  .meta({ ref: 'EventCatalogue' });

/** The extension attributes of an envelope; `cqrs/log/envelope.ts` writes them. */
const extensions: z.infer<typeof attribute>[] = [
  {
    name: 'position',
    type: 'Integer',
    required: true,
    meaning: 'The order of all events of an epoch: the larger one is the later one. There can be gaps.',
  },
  {
    name: 'epoch',
    type: 'String',
    required: true,
    meaning: 'The history of the database to which the position belongs. It changes with a restore; it has no order.',
  },
  {
    name: 'streamversion',
    type: 'Integer',
    required: true,
    meaning: 'The order within `subject`: the version of the thing after the event.',
  },
  { name: 'schemaversion', type: 'Integer', required: true, meaning: 'The version of `data`, as in `dataschema`.' },
  {
    name: 'commandid',
    type: 'String',
    required: true,
    meaning: 'The command that caused the event; the events of one command have the same.',
  },
  { name: 'requestid', type: 'String', required: true, meaning: 'The request of the command, as in the logs.' },
  {
    name: 'actorid',
    type: 'String',
    required: false,
    meaning: 'The account that acted; missing for a visitor and for the system.',
  },
  {
    name: 'keyid',
    type: 'String',
    required: false,
    meaning: 'The API key with which the account acted; missing for a person.',
  },
  { name: 'traceparent', type: 'String', required: false, meaning: 'The W3C trace of the request.' },
];

/** Makes the catalogue of events for other teams. */
export function presentEventCatalogue(events: EventCatalogue): z.infer<typeof eventCatalogueSchema> {
  const data = [...events.values()].map(({ type, streamType, schemaVersion, schema }) => ({
    type: cloudEventType(type),
    streamType,
    schemaVersion,
    dataSchema: publish(schema),
  }));
  return { data, extensions };
}

/** @throws DomainError `event-schemas.not-found` for a type or a version that there never was */
export function presentEventSchema(events: EventCatalogue, type: string, version: number): z.infer<typeof jsonSchema> {
  const definition = [...events.values()].find((event) => cloudEventType(event.type) === type);
  const schema = definition && schemaOf(definition, version);
  if (!schema) throw operationsErrors.eventSchemaNotFound({ catalogue: cataloguePath });
  return publish(schema);
}
