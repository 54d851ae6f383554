import { type SQL, sql } from 'drizzle-orm';
import type { Database } from '../../platform/d1';
import { lastPosition, positionOf } from '../log/event-log';
import type { View } from './view';

// Two versions of the Worker that run side by side, or one after the other, can have different shapes of a read model.
// A version projects only the shapes that it knows. This file has what it does for the documents of the other shapes,
// so that none of them misses an event: docs/architecture.md, "Shapes of two versions".

/** The views that this version of the Worker knows, by their ids. */
export type Views = ReadonlyMap<string, View>;

/** An event as the shapes that this version does not know see it: its type, and the views that handle it. */
export interface HandledEvent {
  position: number;
  /** Positions repeat after a restore, so an event that the log does not have at its position raises no floor. */
  id: string;
  type: string;
  /** The names of the views of this version that list the event's type. */
  handledBy: readonly string[];
}

const idsOf = (views: Views) => sql`(SELECT value FROM json_each(${JSON.stringify([...views.keys()])}))`;

/** The statement that registers shapes, for the batch that claims their first keys. */
export function registerShapes(db: Database, views: Iterable<View>) {
  const list = [...views].map(({ id, name, types }) => ({ view: id, name, types }));
  return db.run(sql`
    INSERT INTO shapes (view, name, types, since)
    SELECT value->>'view', value->>'name', value->'types', ${lastPosition} FROM json_each(${JSON.stringify(list)})
    WHERE true
    ON CONFLICT (view) DO UPDATE SET types = excluded.types WHERE types <> excluded.types`);
}

/**
 * The tables of a query for the siblings of targets: the rows `p` of the same key in the shapes of the same view that
 * this version does not know. `target` is the row of `json_each`. CROSS JOIN fixes the order: it starts at the unknown
 * shapes, so that the targets cost nothing in the usual case that there are none.
 */
export function siblingsOf(targets: string, views: Views): SQL {
  return sql`shapes AS other
    CROSS JOIN shapes AS own ON own.name = other.name AND other.view NOT IN ${idsOf(views)}
    CROSS JOIN json_each(${targets}) AS target ON target.value->>'view' = own.view
    CROSS JOIN projections AS p ON p.view = other.view AND p.key = target.value->>'key'`;
}

/**
 * The statement that records the newest event that a shape has missed, because this version does not know the shape and
 * has no view of its name that handles the event. A shape without documents misses nothing.
 */
export function recordMissed(db: Database, views: Views, events: readonly HandledEvent[]) {
  const list = JSON.stringify(events.map(({ position, id, type, handledBy }) => ({ position, id, type, handledBy })));
  return db.run(sql`
    UPDATE shapes SET missed = unhandled.position
    FROM (
      SELECT other.view, max(event.value->>'position') AS position
      FROM shapes AS other
        CROSS JOIN json_each(${list}) AS event
        CROSS JOIN json_each(other.types) AS type ON type.value = event.value->>'type'
      WHERE other.view NOT IN ${idsOf(views)}
        AND other.name NOT IN (SELECT value FROM json_each(event.value, '$.handledBy'))
        AND EXISTS (SELECT 1 FROM projections WHERE view = other.view)
        AND ${positionOf(sql`event.value->>'id'`)} = event.value->>'position'
      GROUP BY other.view
    ) AS unhandled
    WHERE shapes.view = unhandled.view AND shapes.missed < unhandled.position`);
}

/** Finds free keys of unknown shapes whose documents have missed an event. */
export function findObsolete(db: Database, views: Views, now: number, limit: number) {
  return db.all<{ view: string; key: string }>(sql`
    SELECT p.view, p.key FROM shapes AS other CROSS JOIN projections AS p ON p.view = other.view
    WHERE other.view NOT IN ${idsOf(views)} AND p.position < other.missed AND p.claimed_until <= ${now}
      AND coalesce(p.recheck_at, 0) <= ${now}
    LIMIT ${limit}`);
}
