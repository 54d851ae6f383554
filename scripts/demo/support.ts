// The support desk at noon: tickets are conversations between customers and the agents who took them.
import { setTimeout as wait } from 'node:timers/promises';
import { each, need, type Person, type Shop } from './day';
import { pick } from './people';
import { pollMs, unsubscribe, unsubscribeLinkIn } from './post';

type Agent = Person['client'];

/** Opens a ticket of a customer; an agent takes it and answers. */
async function openTicket({ act, probe }: Shop, { client, home }: Person, agent: Person): Promise<string> {
  const { subject, message } = home.says;
  const opened = await act('Open ticket', () => client.api.tickets.$post({ json: { subject, message } }));
  const { id } = need(opened).answer;
  const param = { id };
  const { api } = agent.client;
  await act('Assign ticket', () => api.tickets[':id'].assignee.$post({ param, json: { assigneeId: agent.id } }));
  const { version } = need(await setStatus(act, agent.client, id, 'triaged')).answer;
  probe.watch((reader) => reader.api.tickets[':id'].$get({ param }), version);
  await reply(act, agent.client, id, home.answer);
  return id;
}

const setStatus = (act: Shop['act'], { api }: Agent, id: string, status: 'triaged' | 'closed') =>
  act('Change ticket status', () => api.tickets[':id'].status.$post({ param: { id }, json: { status } }));

const reply = (act: Shop['act'], { api }: Agent, id: string, message: string) =>
  act('Reply on ticket', () => api.tickets[':id'].replies.$post({ param: { id }, json: { message } }));

/** The agents answer and close all tickets; each customer replies on one of two, which opens it again. */
export async function support(shop: Shop) {
  const { act, agents, customers, say } = shop;
  const reopened = await each(customers, async (customer, index) => {
    const agent = pick(agents, index);
    const [first, second] = [await openTicket(shop, customer, agent), await openTicket(shop, customer, agent)];
    const json = { note: 'The carrier says that it is on its way.' };
    await act('Add note', () => agent.client.api.tickets[':id'].notes.$post({ param: { id: first }, json }));
    for (const id of [first, second]) await setStatus(act, agent.client, id, 'closed');
    await reply(act, customer.client, second, customer.home.says.thanks);
    return { id: second, agent };
  });
  const taken = agents.map(({ name }) => name).join(' and ');
  say(`Noon. ${customers.length * 2} tickets ask where a teapot is. ${taken} take them, answer all, and close them.`);
  say(`On half of them the customers reply: the teapot is there, its lid is not. So these tickets are open again.`);
  // The agents do as much as they can before the evening.
  const [answered, seen] = [
    reopened.filter((_, index) => index % 3 === 0),
    reopened.filter((_, index) => index % 3 === 1),
  ];
  await each(answered, async ({ id, agent }) => {
    await reply(act, agent.client, id, 'We have sent a new lid.');
    await setStatus(act, agent.client, id, 'closed');
  });
  await each(seen, ({ id, agent }) => setStatus(act, agent.client, id, 'triaged'));
  say(`The agents send ${answered.length} lids at once, and leave the others for tomorrow.`);
}

/** A customer who has read enough follows the last link of an e-mail. */
export async function endEmails({ customers, post, say }: Shop) {
  const { client, email, id, name } = pick(customers, Math.max(0, customers.length - 2));
  const last = await post.await(email, (printed) => unsubscribeLinkIn(printed) !== undefined);
  if (!last || !(await unsubscribe(last))) return;
  const param = { id };
  const areOn = async () => (await (await client.api.users[':id'].settings.$get({ param })).json()).emailNotifications;
  // Who follows the link is not signed in, so the settings change for this client as for every other reader.
  while (await areOn()) await wait(pollMs);
  say(
    `${name} ends these e-mails with the link in “${last.subject}”, without signing in: emailNotifications is false now.`,
  );
}
