import { Hono } from 'hono';
import { z } from 'zod';
import type { EventCatalogue } from '../cqrs/log/event';
import type { AppEnv } from '../http/context';
import { describe } from '../http/openapi';

const eventType = z.object({
  type: z.string().meta({ description: 'The CloudEvents `type`.', examples: ['frontdesk.TicketOpened'] }),
  streamType: z.string().meta({ description: 'The `subject` is this, a slash, and the id.' }),
  schemaVersion: z.int().meta({ description: 'The newest; an event says its own as `schemaversion`.' }),
  dataSchema: z.record(z.string(), z.unknown()).meta({ description: 'JSON Schema (2020-12) of `data`.' }),
});

const catalogue = z.object({ data: z.array(eventType) }).meta({ ref: 'EventCatalogue' });

function publish(events: EventCatalogue): z.infer<typeof catalogue> {
  const data = [...events.values()].map(({ type, streamType, schemaVersion, schema }) => ({
    type: `frontdesk.${type}`,
    streamType,
    schemaVersion,
    dataSchema: z.toJSONSchema(schema),
  }));
  return { data };
}

/** What other consumers of our events can expect. */
export const catalogueRoutes = new Hono<AppEnv>().get(
  '/catalogue',
  describe({
    summary: 'The catalogue of events',
    description:
      'Every event that the optional events queue receives, as CloudEvents 1.0: at least once and in no order; ' +
      '`position` is the global order, `streamversion` the order within `subject`.',
    tags: ['Events'],
    security: 'none',
    kind: 'plain',
    body: catalogue,
    problems: [],
  }),
  (c) => c.json(publish(c.var.services.eventCatalogue), 200),
);
