// The commands about the support desk.
import { ticketStatuses } from '../../src/tickets/ticket-status';
import { block, minute, quote } from '../table';
import { command, type Group, type Parameter } from './command';
import { describePage } from './lists';
import { findNames, findUser, findUserIfAny } from './names';
import { id, message, oneOf, sortedPage, type UserName, user } from './parameters';

const ticket = id('the ticket, as `tickets list` shows it');

/** Who works on a ticket, or nobody. */
const assignee = (says: string): Parameter<UserName | 'none'> => {
  const anybody = user(says);
  return {
    ...anybody,
    says: `${says}: an e-mail address, an ID, \`me\` or \`none\``,
    form: 'an e-mail address, an ID, `me` or `none`',
    read: (text) => (text === 'none' ? text : anybody.read(text)),
  };
};

const list = command({
  says: 'tickets; agents and admins see those of all customers',
  options: {
    status: oneOf('STATUS', ticketStatuses, 'only tickets with this status'),
    assignee: assignee('only the tickets of this agent'),
    customer: user('only the tickets of one customer'),
    sort: oneOf('SORT', ['created', 'updated'], 'by which time the rows are sorted'),
    ...sortedPage,
  },
  async run(context, { assignee, customer, ...filter }) {
    const query = {
      ...filter,
      assignee: assignee === 'me' || assignee === 'none' ? assignee : await findUserIfAny(context, assignee),
      customer: await findUserIfAny(context, customer),
    };
    const json = await (await context.api.tickets.$get({ query })).json();
    const rows = json.data.map(({ id, status, lastSpeaker, updatedAt, subject }) => {
      return [id, status, lastSpeaker, minute(updatedAt), subject];
    });
    return { json, text: describePage(json, ['ticket', 'status', 'last', 'changed', 'subject'], rows) };
  },
});

const speaker = { customer: 'The customer', staff: 'The staff' } as const;

const show = command({
  says: 'a ticket with its conversation, and for agents with its notes',
  takes: { ticket },
  async run(context, { ticket }) {
    const json = await (await context.api.tickets[':id'].$get({ param: { id: ticket } })).json();
    const { subject, status, customerId, orderId, createdAt, updatedAt, message, replies, replyCount } = json;
    const assigneeId = 'assigneeId' in json ? json.assigneeId : undefined;
    const nameOf = await findNames(context, [customerId, assigneeId]);
    const head = block(subject, [
      ['id', ticket],
      ['status', status],
      ['customer', nameOf(customerId)],
      ['order', orderId ?? 'none'],
      ...(assigneeId === undefined ? [] : [['assignee', assigneeId ? nameOf(assigneeId) : 'nobody'] as const]),
      ['opened', createdAt],
      ['changed', updatedAt],
    ]);
    const older = replyCount - replies.length;
    const said = replies.map(({ by, createdAt, message }) => ({ who: speaker[by], createdAt, message }));
    const notes = 'notes' in json ? json.notes : [];
    const noted = notes.map(({ note, createdAt }) => ({
      who: 'Note, hidden from the customer',
      createdAt,
      message: note,
    }));
    const parts = [
      quote(`Message, ${minute(createdAt)}`, message),
      ...(older > 0 ? [`Older replies that are not shown: ${older}`] : []),
      ...[...said, ...noted]
        .sort((one, other) => (one.createdAt < other.createdAt ? -1 : 1))
        .map(({ who, createdAt, message }) => quote(`${who}, ${minute(createdAt)}`, message)),
    ];
    return { json, text: [head, ...parts].join('\n\n') };
  },
});

const reply = command({
  says: 'answer a ticket: the customer reads it, and is mailed',
  takes: { ticket, message: message('the answer') },
  async run({ api }, { ticket, message }) {
    const json = await (await api.tickets[':id'].replies.$post({ param: { id: ticket }, json: { message } })).json();
    return { json, text: `The reply is on the ticket ${ticket}.` };
  },
});

const note = command({
  says: 'add a note, which the customer never sees (agent)',
  takes: { ticket, note: message('the note') },
  async run({ api }, { ticket, note }) {
    const json = await (await api.tickets[':id'].notes.$post({ param: { id: ticket }, json: { note } })).json();
    return { json, text: `The note is on the ticket ${ticket}.` };
  },
});

const status = command({
  says: 'change the status (agent)',
  takes: { ticket, status: oneOf('STATUS', ticketStatuses, 'the new status') },
  async run({ api }, { ticket, status }) {
    const json = await (await api.tickets[':id'].status.$post({ param: { id: ticket }, json: { status } })).json();
    return { json, text: `The ticket ${ticket} has the status ${status}.` };
  },
});

const assign = command({
  says: 'give a ticket to an agent, or to nobody (agent)',
  takes: { ticket, assignee: assignee('the agent') },
  async run(context, { ticket, assignee }) {
    const assigneeId = assignee === 'none' ? null : await findUser(context, assignee);
    const { assignee: route } = context.api.tickets[':id'];
    const json = await (await route.$post({ param: { id: ticket }, json: { assigneeId } })).json();
    return {
      json,
      text:
        assigneeId === null
          ? `Nobody has the ticket ${ticket}.`
          : `The account ${assigneeId} has the ticket ${ticket}.`,
    };
  },
});

export const tickets = { list, show, reply, note, status, assign } satisfies Group;
