// The commands about asynchronous work: what waits, and what is given up.
import { subscriptions } from '../../src/cqrs/log/event';
import type { WaitingDelivery } from '../../src/operations/schemas';
import { block, count } from '../table';
import { command, type Group } from './command';
import { flag, oneOf, page, textOf, unless } from './parameters';

const subscription = oneOf('S', subscriptions, 'one receiver of events');
const fault = oneOf('F', ['system', 'recipient'], 'whose fault it is');
const letter = textOf(
  'ID',
  'the dead letter, such as 7-emails',
  'the ID of a dead letter, such as 7-emails',
  // The API has no address for another one.
  (text) => new RegExp(`^\\d+-(${subscriptions.join('|')})$`).test(text),
);

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
  options: { subscription, fault, ...page },
  async run({ api }, query) {
    const json = await (await api.operations['dead-letters'].$get({ query })).json();
    const blocks = json.data.map((dead) => describe(dead, [['fault', dead.fault]]));
    return { json, text: blocks.join('\n\n') || 'There are none.' };
  },
});

const replay = command({
  says: "send a dead letter again, or all that are the system's fault",
  takes: { letter: unless('all', letter) },
  options: { all: flag('all of them, up to 500'), subscription, fault },
  async run({ api }, { letter, subscription, fault }) {
    const letters = api.operations['dead-letters'];
    const filter = { ...(subscription && { subscription }), ...(fault && { fault }) };
    const response =
      letter === undefined
        ? await letters.replay.$post({ json: filter })
        : await letters[':id'].replay.$post({ param: { id: letter } });
    const json = await response.json();
    const left = json.remaining > 0 ? ` ${json.remaining} are left: repeat the command.` : '';
    return { json, text: `Sent again: ${count(json.count, 'dead letter')}.${left}` };
  },
});

const discard = command({
  says: 'give a dead letter up for good',
  takes: { letter },
  async run({ api }, { letter }) {
    await api.operations['dead-letters'][':id'].$delete({ param: { id: letter } });
    return { json: null, text: `The dead letter ${letter} is given up. Its event stays in the log.` };
  },
});

export const deliveryCommands = { deliveries, 'dead-letters': deadLetters, replay, discard } satisfies Group;
