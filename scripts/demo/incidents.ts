// What goes wrong in the night, so that operators have something to find out: rows as a faulty version and a mail server leave them.
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '../../src/client';
import type { Query } from '../local-database';
import type { NightOrder } from './night';
import { pollMs } from './post';

/** Added to the position of the order's document while the incident is made: a document that seems newer than all events is not projected. */
const ahead = 1_000_000_000;
/** The class of the error that a defect in an older version seems to have left; the version that runs has no such defect. */
const defect = 'TypeError';

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Replays the dead letters that an earlier demo left, because a later one waits at its end for every document. */
export async function endEarlierIncident({ api }: Client): Promise<void> {
  const group = { subscription: 'projections', error: defect } as const;
  const letters = api.operations['dead-letters'];
  const { data } = await (await letters.$get({ query: group })).json();
  if (data.length > 0) await letters.replay.$post({ json: group });
}

/** Waits until the work for all events is done, but for dead letters. */
async function untilDone({ api }: Client, subscription: 'emails' | 'projections'): Promise<void> {
  const query = { subscription, limit: 1 } as const;
  while ((await (await api.operations.deliveries.$get({ query })).json()).data.length > 0) await wait(pollMs);
}

/** The version of the read model whose document of the order nobody holds, when the work of the night is done. */
async function untilQuiet(client: Client, id: string): Promise<string> {
  await untilDone(client, 'emails');
  const { api } = client;
  const param = { view: 'order', key: id };
  for (;;) {
    const { row, shape } = await (await api.operations.projections[':view'].keys[':key'].$get({ param })).json();
    if (row && row.claimedUntil === null) return shape;
    await wait(pollMs);
  }
}

export interface Incidents {
  /** The order whose document is late. */
  late: NightOrder;
  /** How many e-mails are dead letters. */
  unsent: number;
}

/**
 * Leaves a document that is late, because its newest event is a dead letter, and dead letters of e-mails, which a mail
 * server seems to have refused. The events are real, and the Worker treats them like all others.
 * @param night the orders of the night; the second one is shipped
 */
export async function leaveIncidents(
  { admin, agent }: { admin: Client; agent: Client },
  night: readonly [NightOrder, NightOrder],
  query: Query,
): Promise<Incidents> {
  const [, late] = night;
  const document = `view = ${quoted(await untilQuiet(admin, late.id))} AND key = ${quoted(late.id)}`;
  const ids = night.map(({ id }) => quoted(id)).join(', ');
  const eventOf = (type: string) =>
    `stream_type = 'order' AND stream_id = ${quoted(late.id)} AND type = ${quoted(type)}`;
  const failedAt = "CAST(unixepoch(occurred_at, 'subsec') * 1000 AS INTEGER) + 400";
  const addLetters = (subscription: string, error: string, tries: number, events: string) => `
    INSERT OR IGNORE INTO deliveries (position, subscription, available_at, status, failures, tries, last_error, first_failed_at, last_failed_at)
      SELECT position, ${quoted(subscription)}, ${failedAt}, 'dead', ${tries}, ${tries}, ${quoted(error)}, ${failedAt}, ${failedAt}
      FROM events WHERE ${events};`;
  // A dead letter of the order holds the low watermark below the next event of it, as the one does that stays at the end.
  await query(`
    ${addLetters('emails', 'EmailError: SMTP_AUTH_535', 1, `stream_type = 'order' AND stream_id IN (${ids}) AND type = 'OrderPlaced'`)}
    ${addLetters('projections', defect, 11, eventOf('OrderPlaced'))}
    UPDATE projections SET position = position + ${ahead} WHERE ${document}`);
  await agent.api.orders[':id'].ship.$post({ param: { id: late.id } });
  await untilDone(admin, 'projections');
  await query(`
    ${addLetters('projections', defect, 11, eventOf('OrderShipped'))}
    DELETE FROM deliveries WHERE subscription = 'projections' AND position = (SELECT position FROM events WHERE ${eventOf('OrderPlaced')});
    UPDATE projections SET position = position - ${ahead} WHERE ${document}`);
  return { late, unsent: night.length };
}

/** What is wrong, and where somebody finds out why. */
export function describeIncidents({ late, unsent }: Incidents, url: string): string {
  return `Two things are wrong on purpose. The Overview in the console says so, and leads to them:
  Order No. ${late.number} is shipped, but its document does not say so. Why? ${url}/console/read-models/order/${late.id}
  A mail server refused the password in the night, and takes it again: replay ${unsent} e-mails at ${url}/console/dead-letters`;
}
