import { type Day, until } from './day';

/**
 * Ships an order whose row becomes unreadable in the same moment, so that its document cannot be made, and lets the platform
 * give the work up. Resolves to what corrects the row.
 */
export async function shipBrokenOrder(day: Day, id: string): Promise<() => Promise<unknown>> {
  const { database, deadLetters } = day.server;
  const lines = await database.prepare('SELECT lines FROM orders WHERE id = ?').bind(id).first<string>('lines');
  await database.exec(
    `CREATE TRIGGER breaks AFTER UPDATE OF status ON orders BEGIN UPDATE orders SET lines = '{' WHERE id = NEW.id; END`,
  );
  await day.colleague.client.api.orders[':id'].ship.$post({ param: { id } });
  await database.exec('DROP TRIGGER breaks');
  const failed = `SELECT position, id FROM deliveries JOIN events USING (position)
    WHERE subscription = 'projections' AND stream_id = ? AND failures > 0`;
  const find = () => database.prepare(failed).bind(id).first<{ position: number; id: string }>();
  await until(async () => (await find()) !== null);
  const { position, id: eventId } = (await find()) ?? { position: 0, id: '' };
  await deadLetters.send({ subscription: 'projections', position, id: eventId });
  const status = `SELECT status FROM deliveries WHERE subscription = 'projections' AND position = ?`;
  await until(async () => (await database.prepare(status).bind(position).first('status')) === 'dead');
  return () => database.prepare('UPDATE orders SET lines = ? WHERE id = ?').bind(lines, id).run();
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

/** Loses the copy of a document that KV has, once all work on it is done. */
export async function loseDocument(day: Day, view: string, key: string): Promise<void> {
  const inspected = day.admin.client.api.operations.projections[':view'].keys[':key'];
  await until(async () => {
    const { verdict } = await (await inspected.$get({ param: { view, key } })).json();
    return verdict.code === 'up-to-date' || verdict.code === 'cached';
  });
  const { documents } = day.server;
  const { keys } = await documents.list({ prefix: `${view}@` });
  for (const { name } of keys.filter(({ name }) => name.endsWith(key))) await documents.delete(name);
}
