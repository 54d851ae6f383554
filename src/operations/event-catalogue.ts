import { z } from 'zod';
import type { EventCatalogue } from '../cqrs/log/event';

const eventType = z.object({
  type: z.string().meta({ description: 'The CloudEvents `type`.', examples: ['frontdesk.TicketOpened'] }),
  streamType: z.string().meta({ description: 'The `subject` is this, a slash, and the id.' }),
  schemaVersion: z.int().meta({ description: 'The newest version; each event has its own as `schemaversion`.' }),
  dataSchema: z.record(z.string(), z.unknown()).meta({ description: 'JSON Schema (2020-12) of `data`.' }),
});

export const eventCatalogueSchema = z.object({ data: z.array(eventType) }).meta({ ref: 'EventCatalogue' });

/** The catalogue of events as other teams read it. */
export function presentEventCatalogue(events: EventCatalogue): z.infer<typeof eventCatalogueSchema> {
  const data = [...events.values()].map(({ type, streamType, schemaVersion, schema }) => ({
    type: `frontdesk.${type}`,
    streamType,
    schemaVersion,
    dataSchema: z.toJSONSchema(schema),
  }));
  return { data };
}
