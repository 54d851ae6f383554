import { z } from 'zod';
import type { EventCatalogue } from '../cqrs/log/event';

const eventType = z.object({
  type: z.string().meta({ description: 'The CloudEvents `type`.', examples: ['frontdesk.TicketOpened'] }),
  streamType: z
    .string()
    .meta({ description: 'The `subject` of an event is the stream type, a slash, and the stream id.' }),
  schemaVersion: z
    .int()
    .meta({ description: 'The newest version of the data; an event has its own version as `schemaversion`.' }),
  dataSchema: z.record(z.string(), z.unknown()).meta({ description: 'The JSON Schema (2020-12) of `data`.' }),
});

export const eventCatalogueSchema = z.object({ data: z.array(eventType) }).meta({ ref: 'EventCatalogue' });

/** Makes the catalogue of events for other teams. */
export function presentEventCatalogue(events: EventCatalogue): z.infer<typeof eventCatalogueSchema> {
  const data = [...events.values()].map(({ type, streamType, schemaVersion, schema }) => ({
    type: `frontdesk.${type}`,
    streamType,
    schemaVersion,
    dataSchema: z.toJSONSchema(schema),
  }));
  return { data };
}
