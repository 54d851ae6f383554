/** The attributes of an event that this Worker uses; Frontdesk's docs/api.md describes all of them. */
interface FrontdeskEvent {
  source: string;
  id: string;
  type: string;
  time: string;
  epoch: string;
  position: number;
}

interface Bindings {
  COUNTS: D1Database;
}

// In a real project these are a migration.
const tables = [
  `CREATE TABLE IF NOT EXISTS handled (source TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (source, id))
   STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS orders_of_day (day TEXT PRIMARY KEY, orders INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS progress (source TEXT NOT NULL, epoch TEXT NOT NULL, position INTEGER NOT NULL,
   PRIMARY KEY (source, epoch)) STRICT, WITHOUT ROWID`,
];

/**
 * The statements that handle an event, for one atomic batch. An event can arrive again, also at the same time, so the
 * effect happens only if its id is new: `source` and `id` together are unique, also after a restore of Frontdesk. The effect
 * is stated before the id is stored.
 */
function handle(db: D1Database, { source, id, type, time, epoch, position }: FrontdeskEvent): D1PreparedStatement[] {
  const isNew = 'NOT EXISTS (SELECT 1 FROM handled WHERE source = ?1 AND id = ?2)';
  const effect = db
    .prepare(
      `INSERT INTO orders_of_day (day, orders) SELECT ?3, 1 WHERE ${isNew}
       ON CONFLICT (day) DO UPDATE SET orders = orders + 1`,
    )
    .bind(source, id, time.slice(0, 10));
  return [
    ...(type === 'frontdesk.OrderPlaced' ? [effect] : []),
    db.prepare('INSERT INTO handled (source, id) VALUES (?, ?) ON CONFLICT DO NOTHING').bind(source, id),
    // Events arrive in any order: this says how far Frontdesk's log was seen, not that everything before it has arrived.
    db
      .prepare(
        `INSERT INTO progress (source, epoch, position) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET position = max(position, excluded.position)`,
      )
      .bind(source, epoch, position),
  ];
}

export default {
  async queue(batch, { COUNTS: db }) {
    await db.batch(tables.map((table) => db.prepare(table)));
    for (const message of batch.messages) {
      try {
        await db.batch(handle(db, message.body));
        message.ack();
        // A Worker that only reads queues has no address in `npm run dev`: this line shows that it works.
        console.log(`Handled ${message.body.type} at position ${message.body.position}.`);
      } catch {
        message.retry({ delaySeconds: 30 });
      }
    }
  },

  /** What was counted so far. */
  async fetch(_request, { COUNTS: db }) {
    await db.batch(tables.map((table) => db.prepare(table)));
    const [days, progress] = await db.batch([
      db.prepare('SELECT day, orders FROM orders_of_day ORDER BY day'),
      db.prepare('SELECT source, epoch, position FROM progress'),
    ]);
    return Response.json({ days: days?.results, progress: progress?.results });
  },
} satisfies ExportedHandler<Bindings, FrontdeskEvent>;
