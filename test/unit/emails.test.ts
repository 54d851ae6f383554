import { describe, expect, test } from 'vitest';
import { createEmailHandler } from '../../src/consumers/emails';
import { toFailure } from '../../src/consumers/failures';
import { type RecordedEvent, UnreadableEventError } from '../../src/cqrs/log/event';
import type { ClaimResult, Outbox } from '../../src/cqrs/log/outbox';
import type { EmailLimiter } from '../../src/email/email-limiter';
import { EmailError, UnclearEmailError } from '../../src/email/email-sender';
import { createEmailChannel } from '../../src/notifications/email-channel';
import { createNotificationService } from '../../src/notifications/notification-service';
import type { Reaction } from '../../src/notifications/reaction';
import { aNotifiedAccount } from '../support/factories';

function anEvent(id: string): RecordedEvent {
  return {
    position: 7,
    id,
    type: id === 'newer' ? 'Newer' : 'Noted',
    streamType: 'thing',
    streamId: 'a',
    version: 1,
    schemaVersion: 1,
    data: {},
    metadata: { commandId: 'c', requestId: 'r' },
    occurredAt: '2026-01-01T00:00:00.000Z',
  };
}

/** Handles events; `send` is what the provider does, and the calls of the outbox are recorded. */
async function handle(
  ids: readonly string[],
  send: (id: string) => Promise<void>,
  {
    claimed = 'claimed',
    tries = 'queue',
    allows = async () => true,
  }: { claimed?: ClaimResult; tries?: 'queue' | 'relay' | 'nobody'; allows?: EmailLimiter['allows'] } = {},
) {
  const calls: string[] = [];
  const sent: string[] = [];
  const record = (name: string, id: string | undefined) => void calls.push(`${name} ${id}`);
  const outbox: Omit<Outbox, 'bury' | 'recordFailure'> = {
    claim: async (_, events) => ({ results: new Map(events.map(({ id }) => [id, claimed])), until: 1 }),
    release: async (_, { id }) => record('release', id),
    complete: async (_, [event]) => record('complete', event?.id),
    markDead: async (_, [event], error, fault) => record(`markDead (${error}, ${fault ?? 'system'})`, event?.id),
    async putOff(_, { id }, error, outcome) {
      record(`putOff (${error}, ${outcome})`, id);
      return tries;
    },
  };
  const reaction: Reaction = ({ id, streamId }) => {
    if (id === 'broken') throw new TypeError('The reaction is broken.');
    return { userId: streamId, kind: 'welcome', facts: {} };
  };
  const sender = {
    async send({ messageId }: { messageId: string }) {
      sent.push(messageId);
      await send(messageId);
    },
  };
  const channel = createEmailChannel({ brand: 'Tea', limiter: { allows }, sender, unsubscribeUrlFor: () => '' });
  const handler = createEmailHandler({
    // The handler calls no other method.
    outbox: outbox as Outbox,
    reactions: new Map([['Noted', reaction]]),
    findAccount: async () => aNotifiedAccount(),
    notifications: createNotificationService(channel),
  });
  return { outcomes: [...(await handler(ids.map(anEvent))).values()], calls, sent };
}

describe('the handler of e-mails (product 7.2, 7.3)', () => {
  const accept = async () => {};

  test.each([
    ['claimed', { kind: 'done' }, 1],
    ['claimed-elsewhere', { kind: 'later' }, 0],
    ['finished', { kind: 'done' }, 0],
    ['unknown', { kind: 'obsolete' }, 0],
  ] as const)('a delivery whose claim is %s ends with %j', async (claimed, expected, count) => {
    const { calls, outcomes, sent } = await handle(['a'], accept, { claimed });
    expect([outcomes, sent.length]).toEqual([[expected], count]);
    // What the provider has accepted is recorded, so that no relay sends it again.
    expect(calls).toEqual(claimed === 'claimed' ? ['complete a'] : []);
  });

  test.each([
    ['queue', true],
    ['relay', false],
    ['nobody', false],
  ] as const)('an e-mail that is refused for now is released, and is tried again by: %s', async (tries, expected) => {
    const error = new EmailError('SMTP_451', 'for-now');
    const { calls, outcomes } = await handle(['a'], () => Promise.reject(error), { tries });
    expect(calls).toEqual(['release a', 'putOff (EmailError: SMTP_451, refused) a']);
    expect(outcomes).toEqual([{ kind: 'recorded', error, isRetriedByQueue: expected }]);
  });

  test.each([new UnclearEmailError('TIMED_OUT'), new Error('The connection is lost.')])(
    'an e-mail with an unclear outcome keeps its claim: %s',
    async (error) => {
      const { calls } = await handle(['a'], () => Promise.reject(error));
      expect(calls).toEqual([expect.stringMatching(/^putOff .*unclear/)]);
    },
  );

  test('an e-mail that is refused for good is dead with this error, and the queue does not try again', async () => {
    const error = new EmailError('SMTP_550', 'for-good');
    const { calls, outcomes } = await handle(['a'], () => Promise.reject(error));
    expect(calls).toEqual(['markDead (EmailError: SMTP_550, system) a']);
    expect(outcomes).toEqual([{ kind: 'recorded', error, isRetriedByQueue: false }]);
  });

  test('an e-mail that its address does not take is an outcome, and not a failure (product 7.7)', async () => {
    const error = new EmailError('SMTP_RCPT_550_5.1.1', 'recipient');
    const { calls, outcomes } = await handle(['a'], () => Promise.reject(error));
    expect(calls).toEqual(['markDead (EmailError: SMTP_RCPT_550_5.1.1, recipient) a']);
    expect(outcomes).toEqual([{ kind: 'refused', error }]);
  });

  test('a defect in a sender is a failure, and is not put off for days', async () => {
    const error = new TypeError('a defect');
    const { calls, outcomes } = await handle(['a'], () => Promise.reject(error));
    expect([calls, outcomes]).toEqual([[], [{ kind: 'failed', error }]]);
  });

  test('an e-mail beyond the limit of its address is left out, and its delivery is done (product 1.9)', async () => {
    const asked: unknown[] = [];
    const allows: EmailLimiter['allows'] = async (...question) => {
      asked.push(question);
      return question[1].messageId !== 'b';
    };
    const { calls, outcomes, sent } = await handle(['a', 'b'], accept, { allows });
    expect([sent, calls]).toEqual([['a'], ['complete a', 'complete b']]);
    expect(outcomes).toEqual([{ kind: 'done' }, { kind: 'done' }]);
    const occurredAt = Date.parse('2026-01-01T00:00:00.000Z');
    expect(asked[0]).toEqual([
      { kind: 'welcome', everyMs: 86_400_000 },
      { address: 'ada@example.com', messageId: 'a', occurredAt },
    ]);
  });

  test('an e-mail whose limit cannot be asked is tried again, and nothing is claimed or sent', async () => {
    const error = new Error('D1 is away.');
    const { calls, outcomes, sent } = await handle(['a'], accept, { allows: () => Promise.reject(error) });
    expect([calls, sent, outcomes]).toEqual([[], [], [{ kind: 'failed', error }]]);
  });

  test('an event without an e-mail in this version waits for the version that made its delivery (product 11.4)', async () => {
    const { calls, outcomes, sent } = await handle(['newer'], accept);
    expect([calls, sent]).toEqual([[], []]);
    expect(outcomes).toEqual([{ kind: 'failed', error: expect.any(UnreadableEventError) }]);
    expect(outcomes[0]?.kind === 'failed' && toFailure(outcomes[0].error).fault).toBe('platform');
  });

  test('an e-mail that cannot be composed fails alone, and no other e-mail of its batch is tried twice', async () => {
    const { outcomes, sent } = await handle(['a', 'broken', 'b'], accept);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['done', 'failed', 'done']);
    expect(sent).toEqual(['a', 'b']);
  });
});
