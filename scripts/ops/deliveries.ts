// The commands about asynchronous work: what waits, and what is given up.
import { subscriptions } from '../../src/cqrs/log/event';
import type { DeadLetter, WaitingDelivery } from '../../src/operations/schemas';
import { printableJson } from '../printable';
import { block, count, formatTable, minute } from '../table';
import { command, type Group, type Parameter } from './command';
import { anyText, flag, oneOf, page, textOf, unless } from './parameters';

const subscription = oneOf('S', subscriptions, 'one receiver of events');
const fault = oneOf('F', ['system', 'recipient'], 'whose fault it is');
const error = anyText('E', 'the error, as `dead-letter-groups` lists it');
// The API has no address for another one.
const letterForm = new RegExp(`^\\d+-(${subscriptions.join('|')})$`);
const letter = textOf('ID', 'the dead letter, such as 7-emails', 'the ID of a dead letter, such as 7-emails', (text) =>
  letterForm.test(text),
);
const letters: Parameter<string[]> = {
  placeholder: 'ID[,ID]',
  says: 'the dead letter, such as 7-emails, or up to 100 with commas between them',
  form: 'the ID of a dead letter, such as 7-emails',
  read: (text) => (text.split(',').every((one) => letterForm.test(one)) ? text.split(',') : undefined),
};

/** What an operator needs of a delivery. */
function describe(
  delivery: Omit<WaitingDelivery, 'nextSendAt'>,
  parts: readonly (readonly [string, string])[],
): string {
  const { attempts, firstFailedAt, id, lastError, lastFailedAt, occurredAt, requestId, streamId, streamType, type } =
    delivery;
  const failed =
    attempts === 0 ? 'never' : `${count(attempts, 'time')}, from ${firstFailedAt ?? '?'} to ${lastFailedAt ?? '?'}`;
  return block(id, [
    ['event', `${type} of ${streamType}/${streamId} at ${occurredAt}`],
    ['error', lastError ?? 'none'],
    ['failed', failed],
    ...parts,
    ['request', requestId ?? 'unknown'],
  ]);
}

const describeDead = (dead: DeadLetter) =>
  describe(dead, [
    ['fault', dead.fault],
    ['replayed', count(dead.replays, 'time')],
  ]);

const deliveries = command({
  says: 'what waits: since when, with which error, and until when',
  options: { subscription, ...page },
  async run({ api }, query) {
    const json = await (await api.operations.deliveries.$get({ query })).json();
    const blocks = json.data.map((delivery) => {
      const { sends, nextSendAt } = delivery;
      return describe(delivery, [['sent again', `${count(sends, 'time')}; the next time from ${nextSendAt} on`]]);
    });
    return { json, text: blocks.join('\n\n') || 'Nothing waits.' };
  },
});

const deadLetters = command({
  says: 'what is given up, whose fault that is, and since when',
  options: { subscription, fault, error, ...page },
  async run({ api }, query) {
    const json = await (await api.operations['dead-letters'].$get({ query })).json();
    const blocks = json.data.map(describeDead);
    return { json, text: blocks.join('\n\n') || 'There are none.' };
  },
});

const groups = command({
  says: 'what is given up, by subscription and error',
  async run({ api }) {
    const json = await (await api.operations['dead-letters'].groups.$get()).json();
    const table = formatTable(
      ['count', 'subscription', 'error', 'fault', 'first', 'last', 'replays', 'newest'],
      json.data.map((group) => [
        group.count,
        group.subscription,
        group.error,
        group.fault,
        group.firstFailedAt && minute(group.firstFailedAt),
        group.lastFailedAt && minute(group.lastFailedAt),
        group.replays,
        group.newest,
      ]),
    );
    const note = json.isComplete ? '' : '\n\nThere are more: the newest of each subscription were looked at.';
    return { json, text: json.data.length === 0 ? 'There are none.' : `${table}${note}` };
  },
});

const deadLetter = command({
  says: 'look into a dead letter: its event, its error and its replays',
  takes: { letter },
  async run({ api }, { letter }) {
    const json = await (await api.operations['dead-letters'][':id'].$get({ param: { id: letter } })).json();
    return { json, text: `${describeDead(json)}\n  data:       ${printableJson(json.event.data)}` };
  },
});

/** What became of a replay or a discard: where it can be read. */
const seeDecision = (decision: number | null) =>
  decision === null ? '' : `\nWhat became of it: npm run ops -- decision ${decision}`;
const describeLeft = (remaining: number) => (remaining > 0 ? ` ${remaining} are left: repeat the command.` : '');

/** What a body of the API selects. */
function toBody({ letters, ...filter }: { letters: string[] | undefined; [name: string]: unknown }) {
  return letters
    ? { ids: letters }
    : Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

const replay = command({
  says: "send dead letters again: some, or all that are the system's fault",
  takes: { letters: unless('all', letters) },
  options: { all: flag('all of them, up to 500'), subscription, fault, error },
  async run({ api }, { all: _, ...selection }) {
    const json = await (await api.operations['dead-letters'].replay.$post({ json: toBody(selection) })).json();
    const text = `Sent again: ${count(json.count, 'dead letter')}.${describeLeft(json.remaining)}`;
    return { json, text: `${text}${seeDecision(json.decision)}` };
  },
});

const discard = command({
  says: 'give dead letters up for good: some, or all of a subscription with an error',
  takes: { letters: unless('all', letters) },
  options: { all: flag('all with this --subscription and --error, up to 500'), subscription, error, fault },
  async run({ api }, { all: _, ...selection }) {
    const [id = '', ...others] = selection.letters ?? [];
    if (id !== '' && others.length === 0) {
      await api.operations['dead-letters'][':id'].$delete({ param: { id } });
      return { json: null, text: `The dead letter ${id} is given up. Its event stays in the log.` };
    }
    const json = await (await api.operations['dead-letters'].discard.$post({ json: toBody(selection) })).json();
    const text = `Given up: ${count(json.count, 'dead letter')}. The events stay in the log.${describeLeft(json.remaining)}`;
    return { json, text: `${text}${seeDecision(json.decision)}` };
  },
});

const decision = command({
  says: 'what became of the dead letters that were replayed or discarded together',
  takes: { decision: anyText('NUMBER', 'the number that a replay or a discard prints') },
  async run({ api }, { decision }) {
    const json = await (
      await api.operations['dead-letter-decisions'][':decision'].$get({ param: { decision } })
    ).json();
    const states = Object.entries(json.counts).filter(([, number]) => number > 0);
    const table = formatTable(
      ['dead letter', 'now', 'failed', 'error'],
      json.data.map(({ id, state, attempts, lastError }) => [id, state, attempts, lastError]),
    );
    const counts = states.map(([state, number]) => `${number} ${state}`).join(', ');
    const by = json.event.actorId ?? 'nobody';
    return { json, text: `${json.action} at ${json.event.occurredAt} by ${by}: ${counts}\n\n${table}` };
  },
});

export const deliveryCommands = {
  deliveries,
  'dead-letter-groups': groups,
  'dead-letters': deadLetters,
  'dead-letter': deadLetter,
  replay,
  discard,
  decision,
} satisfies Group;
