// What goes wrong in the night, so that operators have something to find out: rows as a dead Worker and a mail server leave them.
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '../../src/client';
import { newId } from '../../src/platform/ids';
import type { Query } from '../local-database';
import type { NightOrder } from './night';
import { pollMs } from './post';

/** Long enough for somebody who first looks around; the claim of a Worker that works lasts half a minute. */
const heldMinutes = 15;

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Ends the claim that an earlier demo left, because a later one waits at its end for every document. */
export async function endEarlierIncident({ api }: Client, query: Query): Promise<void> {
  const { data } = await (await api.operations.projections.$get()).json();
  if (data.some(({ lagEvents }) => lagEvents > 0))
    await query(`UPDATE projections SET claimed_until = 0 WHERE claimed_until > ${Date.now() + 60_000}`);
}

/** The version of the read model whose document of the order nobody holds, when the work of the night is done. */
async function untilQuiet({ api }: Client, id: string): Promise<string> {
  const emails = { subscription: 'emails', limit: 1 } as const;
  while ((await (await api.operations.deliveries.$get({ query: emails })).json()).data.length > 0) await wait(pollMs);
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
 * Leaves a document that is late, because a Worker seems to hold it and another event waits for it, and dead letters of
 * e-mails, which a mail server seems to have refused. The events are real, and the Worker treats them like all others.
 * @param night the orders of the night; the second one is shipped
 */
export async function leaveIncidents(
  { admin, agent }: { admin: Client; agent: Client },
  night: readonly [NightOrder, NightOrder],
  query: Query,
): Promise<Incidents> {
  const [, late] = night;
  const shape = await untilQuiet(admin, late.id);
  const until = Date.now() + heldMinutes * 60_000;
  const ids = night.map(({ id }) => quoted(id)).join(', ');
  const refusedAt = "CAST(unixepoch(occurred_at, 'subsec') * 1000 AS INTEGER) + 400";
  await query(`
    UPDATE projections SET claimed_by = ${quoted(newId())}, claimed_until = ${until}
      WHERE view = ${quoted(shape)} AND key = ${quoted(late.id)};
    INSERT OR IGNORE INTO deliveries (position, subscription, available_at, status, failures, tries, last_error, first_failed_at, last_failed_at)
      SELECT position, 'emails', ${refusedAt} + 30000, 'dead', 1, 1, 'EmailError: SMTP_AUTH_535', ${refusedAt}, ${refusedAt}
      FROM events WHERE stream_type = 'order' AND stream_id IN (${ids}) AND type = 'OrderPlaced'`);
  await agent.api.orders[':id'].ship.$post({ param: { id: late.id } });
  return { late, unsent: night.length };
}

/** What is wrong, and where somebody finds out why. */
export function describeIncidents({ late, unsent }: Incidents, url: string): string {
  return `Two things are wrong on purpose. The Overview in the console says so, and leads to them:
  Order No. ${late.number} is shipped, but for ${heldMinutes} minutes its document does not say so. Why? ${url}/console/read-models/order/${late.id}
  A mail server refused the password in the night, and takes it again: replay ${unsent} e-mails at ${url}/console/dead-letters`;
}
