import { expect, test } from 'vitest';
import { createSystem } from '../support/system';

const system = createSystem();
const { deliverQueues, register, request, send } = system;

const [agent, customer, stranger] = [await register({ role: 'agent' }), await register(), await register()];

async function openTicket(by = customer): Promise<string> {
  const opened = await send('POST', '/v1/tickets', { subject: 'Late', message: 'Where is it?' }, by.bearer);
  return (await opened.json<{ id: string }>()).id;
}

const reply = (id: string, by: typeof agent, message: string, headers = {}) =>
  send('POST', `/v1/tickets/${id}/replies`, { message }, { ...by.bearer, ...headers });

async function read<Data>(path: string, by: typeof agent): Promise<Data> {
  const response = await request(path, { headers: by.bearer });
  expect(response.status, path).toBe(200);
  return response.json<Data>();
}

test('a customer and an agent talk on a ticket (product 5.9)', async () => {
  const id = await openTicket();
  expect((await reply(id, agent, 'It is on its way.')).status).toBe(201);
  expect((await reply(id, customer, 'Thank you!')).status).toBe(201);
  expect((await reply(id, stranger, 'Me too')).status).toBe(404);
  await deliverQueues();
  const seen = await read<{ replies: unknown[]; replyCount: number }>(`/v1/tickets/${id}`, customer);
  expect(seen).toMatchObject({
    replyCount: 2,
    replies: [
      { by: 'customer', message: 'Thank you!' },
      { by: 'staff', message: 'It is on its way.' },
    ],
  });
  expect(JSON.stringify(seen)).not.toContain(agent.id);
  expect(await read(`/v1/tickets/${id}/replies?limit=1`, agent)).toMatchObject({
    data: [{ by: 'customer', authorId: customer.id, message: 'Thank you!' }],
  });
  expect(await read('/v1/tickets?sort=updated', agent)).toMatchObject({ data: [{ id, lastSpeaker: 'customer' }] });
});
