import { type Day, until } from './day';

/** Ships an order whose row becomes unreadable in the same moment; resolves to the event whose work has failed then. */
async function shipBroken(day: Day, id: string): Promise<{ position: number; id: string }> {
  const { database } = day.server;
  const work = 'FROM deliveries JOIN events USING (position) WHERE stream_id = ?';
  const waiting = database.prepare(`SELECT 1 ${work} LIMIT 1`).bind(id);
  await until(async () => (await waiting.first()) === null);
  // One for each order: other people ship orders at the same time.
  const breaks = `"breaks ${id}"`;
  await database.exec(
    `CREATE TRIGGER ${breaks} AFTER UPDATE OF status ON orders WHEN NEW.id = '${id}' BEGIN UPDATE orders SET lines = '{' WHERE id = NEW.id; END`,
  );
  await day.colleague.client.api.orders[':id'].ship.$post({ param: { id } });
  await database.exec(`DROP TRIGGER ${breaks}`);
  const failed = database.prepare(`SELECT position, id ${work} AND failures > 0`).bind(id);
  await until(async () => (await failed.first()) !== null);
  return (await failed.first()) ?? { position: 0, id: '' };
}

/** Ships orders whose documents cannot be made, and lets the platform give the work up. Resolves to what corrects the rows. */
export async function shipBrokenOrders(day: Day, ids: readonly string[]): Promise<() => Promise<void>> {
  const { database, deadLetters } = day.server;
  const rows = await Promise.all(
    ids.map(async (id) => ({
      id,
      lines: await database.prepare('SELECT lines FROM orders WHERE id = ?').bind(id).first('lines'),
    })),
  );
  const events = await Promise.all(ids.map((id) => shipBroken(day, id)));
  for (const event of events) await deadLetters.send({ subscription: 'projections', ...event });
  for (const { position } of events) {
    const dead = database.prepare(`SELECT 1 FROM deliveries WHERE position = ? AND status = 'dead'`).bind(position);
    await until(async () => (await dead.first()) !== null);
  }
  return async () => {
    for (const { id, lines } of rows)
      await database.prepare('UPDATE orders SET lines = ? WHERE id = ?').bind(lines, id).run();
  };
}

/** Makes the content of an event unreadable, which no rebuild can go past; returns what corrects it. */
export async function breakEvent(day: Day, streamId: string): Promise<() => Promise<unknown>> {
  const { database } = day.server;
  const data = await database
    .prepare('SELECT data FROM events WHERE stream_id = ? LIMIT 1')
    .bind(streamId)
    .first<string>('data');
  const set = (value: string | null) =>
    database.prepare('UPDATE events SET data = ? WHERE stream_id = ?').bind(value, streamId).run();
  await set('{');
  return () => set(data);
}

/** Loses the copy of a document that KV has, and that was made long ago: KV shows what is new a little later. */
export async function loseDocument(day: Day, view: string, key: string): Promise<void> {
  const inspected = day.admin.client.api.operations.projections[':view'].keys[':key'];
  await until(async () => {
    const { verdict } = await (await inspected.$get({ param: { view, key } })).json();
    return verdict.code === 'up-to-date' || verdict.code === 'cached';
  });
  const { database, documents } = day.server;
  const longAgo = 'UPDATE projections SET claimed_until = claimed_until - 600000 WHERE key = ?';
  await database.prepare(longAgo).bind(key).run();
  const { keys } = await documents.list({ prefix: `${view}@` });
  for (const { name } of keys.filter(({ name }) => name.endsWith(key))) await documents.delete(name);
}
