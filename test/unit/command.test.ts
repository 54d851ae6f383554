import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { CallerContext } from '../../src/access/access-rules';
import { type CommandDefinition, createDefineCommand } from '../../src/cqrs/writing/command';
import { ConcurrencyError } from '../../src/cqrs/writing/errors';
import { requireVersion } from '../../src/cqrs/writing/expected-version';
import type { CommandContext, UnitOfWork } from '../../src/cqrs/writing/unit-of-work';
import { DomainError, type ErrorKind } from '../../src/platform/errors';
import { aContext, aUser, callerOf } from '../support/factories';

type Repositories = { name: string };
type Definition = CommandDefinition<{ text: string }, unknown, string, Repositories, unknown>;

const input = z.strictObject({ text: z.string().trim() });

/** A command on a unit of work that runs the handler without a store, and that records the context of each run. */
function given(definition: Partial<Definition> = {}, context: CommandContext = aContext()) {
  const runs: CommandContext[] = [];
  const unitOfWork: UnitOfWork<Repositories> = {
    async run(current, { authorize, handle }) {
      runs.push(current);
      const repositories = { name: current.readFrom };
      const result = await handle(authorize(repositories), { ...repositories, record: () => {} });
      return { result, commit: { position: 1, bookmark: null } };
    },
  };
  const waits: number[] = [];
  let contexts = 0;
  let retries = 0;
  const contextOf = () => {
    contexts++;
    return context;
  };
  const define = createDefineCommand(
    unitOfWork,
    (text) => [`fingerprint of ${text}`, `older fingerprint of ${text}`],
    contextOf,
    async (ms) => void waits.push(ms),
    () => retries++,
  );
  const command = define<{ text: string }, unknown, string>({
    input,
    onlyIf: () => undefined,
    handle: () => 'done',
    ...definition,
  });
  return {
    command,
    runs,
    readsFrom: () => runs.map(({ readFrom }) => readFrom),
    contexts: () => contexts,
    waits,
    retries: () => retries,
  };
}

const payload = { text: 'a' };
const refusal = (kind: ErrorKind = 'invalid') => new DomainError(kind, 'test.refused', 'No.', {});
const kinds: ErrorKind[] = ['not-found', 'conflict', 'forbidden', 'invalid', 'unauthenticated', 'precondition'];

describe('a command that reads from a replica', () => {
  test.each(kinds)(
    'a command that a replica’s state refuses (%s) is decided once more on the primary',
    async (kind) => {
      const handle: Definition['handle'] = (_, { name }) => {
        if (name !== 'first-primary') throw refusal(kind);
        return 'done';
      };
      const { command, readsFrom } = given({ handle }, aContext({ readFrom: 'first-unconstrained' }));
      expect((await command(payload)).result).toBe('done');
      expect(readsFrom()).toEqual(['first-unconstrained', 'first-primary']);
    },
  );

  test('a command that the access rule refuses on a replica is decided once more on the primary', async () => {
    const onlyIf: Definition['onlyIf'] = (_, { name }) => {
      if (name !== 'first-primary') throw refusal('forbidden');
    };
    const { command, readsFrom } = given({ onlyIf }, aContext({ readFrom: 'bookmark' }));
    expect((await command(payload)).result).toBe('done');
    expect(readsFrom()).toEqual(['bookmark', 'first-primary']);
  });

  test('a command that a replica and the primary refuse is refused for good', async () => {
    const handle = () => {
      throw refusal();
    };
    const { command, readsFrom } = given({ handle }, aContext({ readFrom: 'first-unconstrained' }));
    await expect(command(payload)).rejects.toMatchObject({ code: 'test.refused' });
    expect(readsFrom()).toEqual(['first-unconstrained', 'first-primary']);
  });

  test('a command is not tried again after an error that is no refusal', async () => {
    const handle = () => {
      throw new Error('The handler is broken.');
    };
    const { command, readsFrom } = given({ handle }, aContext({ readFrom: 'first-unconstrained' }));
    await expect(command(payload)).rejects.toThrow('The handler is broken.');
    expect(readsFrom()).toEqual(['first-unconstrained']);
  });

  test('a command reads from the primary immediately when its definition says so', async () => {
    const { command, readsFrom } = given({ readsPrimary: true }, aContext({ readFrom: 'first-unconstrained' }));
    await command(payload);
    expect(readsFrom()).toEqual(['first-primary']);
  });
});

describe('a command that is refused on the primary', () => {
  test('a refusal by the primary is not tried again', async () => {
    const handle = () => {
      throw refusal();
    };
    const { command, readsFrom } = given({ handle });
    await expect(command(payload)).rejects.toMatchObject({ code: 'test.refused' });
    expect(readsFrom()).toEqual(['first-primary']);
  });
});

describe('a command whose state changed in the meantime (product 6.3)', () => {
  test('a command whose state changed in the meantime is tried again on fresh state from the primary', async () => {
    let races = 2;
    const handle = () => {
      if (races-- > 0) throw new ConcurrencyError();
      return 'done';
    };
    const { command, readsFrom, retries } = given({ handle }, aContext({ readFrom: 'bookmark' }));
    expect((await command(payload)).result).toBe('done');
    expect(readsFrom()).toEqual(['bookmark', 'first-primary', 'first-primary']);
    expect(retries()).toBe(2);
  });

  test('a command is refused after five attempts, and the error says how many attempts there were', async () => {
    const handle = () => {
      throw new ConcurrencyError();
    };
    const { command, runs } = given({ handle });
    await expect(command(payload)).rejects.toMatchObject({
      name: 'ConcurrencyError',
      kind: 'conflict',
      code: 'concurrency.conflict',
      details: { attempts: 5 },
    });
    expect(runs).toHaveLength(5);
  });

  test('a command whose first four attempts met a conflict succeeds in its fifth attempt', async () => {
    let races = 4;
    const handle = () => {
      if (races-- > 0) throw new ConcurrencyError();
      return 'done';
    };
    expect((await given({ handle }).command(payload)).result).toBe('done');
  });
});

describe('the pauses of a command (product 6.3)', () => {
  test('a command waits longer and longer, and never the same time, before it tries again on the primary', async () => {
    const handle = () => {
      throw new ConcurrencyError();
    };
    const { command, waits } = given({ handle });
    await expect(command(payload)).rejects.toMatchObject({ name: 'ConcurrencyError' });
    expect(waits).toHaveLength(4);
    for (const [index, ms] of waits.entries()) {
      expect(ms).toBeGreaterThanOrEqual(20 * 2 ** index);
      expect(ms).toBeLessThanOrEqual(40 * 2 ** index);
    }
  });

  test('a command that a replica refused runs on the primary at once', async () => {
    const handle: Definition['handle'] = (_, { name }) => {
      if (name !== 'first-primary') throw new ConcurrencyError();
      return 'done';
    };
    const { command, waits } = given({ handle }, aContext({ readFrom: 'first-unconstrained' }));
    await command(payload);
    expect(waits).toEqual([]);
  });

  test('a command with an unknown outcome is not run again, because new events could double it (product 6.5)', async () => {
    const handle = () => {
      throw refusal('unavailable');
    };
    const { command, runs } = given({ handle }, aContext({ readFrom: 'first-unconstrained' }));
    await expect(command(payload)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(runs).toHaveLength(1);
  });
});

describe('the command runner (product 6.1)', () => {
  test('the command runner refuses a payload that does not fit before anything else happens', async () => {
    const { command, contexts, runs } = given();
    await expect(command({ text: 1 } as unknown as typeof payload)).rejects.toBeInstanceOf(z.ZodError);
    expect([runs, contexts()]).toEqual([[], 0]);
  });

  test('the command runner gives the handler the parsed payload, the transaction and the details of the command', async () => {
    const received: unknown[] = [];
    const context = aContext({ issuedAt: Date.parse('2026-03-01T10:00:00.123Z'), expectedVersion: 4 });
    const { command } = given(
      {
        onlyIf: () => 'the actor',
        handle(parsed, { name }, details) {
          received.push(parsed, name, details);
          return 'done';
        },
      },
      context,
    );
    await command({ text: ' trimmed ' });
    const details = {
      actor: 'the actor',
      issuedAt: context.issuedAt,
      at: '2026-03-01T10:00:00.123Z',
      expectedVersion: 4,
    };
    expect(received).toEqual([{ text: 'trimmed' }, 'first-primary', details]);
  });

  test('the command runner gives the access rule the caller of the request and the transaction', async () => {
    const received: unknown[] = [];
    const caller = callerOf(aUser());
    const onlyIf: Definition['onlyIf'] = (known, { name }) => void received.push(known, name);
    await given({ onlyIf }, aContext({ caller })).command(payload);
    expect(received).toEqual([caller, 'first-primary']);
  });

  test('the command runner makes the context of the request once, when the command is sent', async () => {
    let races = 1;
    const handle = () => {
      if (races-- > 0) throw new ConcurrencyError();
      return 'done';
    };
    const { command, contexts, runs } = given({ handle });
    expect(contexts()).toBe(0);
    await command(payload);
    expect([contexts(), runs.length]).toEqual([1, 2]);
    expect(runs[1]?.commandId).toBe(runs[0]?.commandId);
  });
});

describe('a command that may be repeated (product 6.2)', () => {
  async function hashOf(definition: Partial<Definition>, context: Partial<CallerContext>, text = 'a') {
    const { command, runs } = given(definition, aContext(context));
    await command({ text });
    const [run] = runs;
    return { isRepeatable: run?.isRepeatable, requestHashes: run?.requestHashes };
  }

  test('a repeatable command carries the fingerprints of its parsed payload', async () => {
    const first = await hashOf({}, { isRepeatable: true });
    expect(first).toEqual({
      isRepeatable: true,
      requestHashes: ['fingerprint of {"text":"a"}', 'older fingerprint of {"text":"a"}'],
    });
    expect(await hashOf({}, { isRepeatable: true }, ' a ')).toEqual(first);
    expect(await hashOf({}, { isRepeatable: true }, 'b')).not.toEqual(first);
  });

  test('a command has no fingerprint when the request has no Idempotency-Key', async () => {
    const plain = { isRepeatable: false, requestHashes: undefined };
    expect(await hashOf({}, {})).toEqual(plain);
    expect(await hashOf({}, { isRepeatable: false })).toEqual(plain);
  });

  test('a command has no fingerprint when its response holds a secret and must not be stored', async () => {
    const plain = { isRepeatable: false, requestHashes: undefined };
    expect(await hashOf({ isNeverStored: true }, { isRepeatable: true })).toEqual(plain);
  });
});

describe('the id of a repeatable command (product 6.2)', () => {
  const runOf = async (context: Partial<CallerContext>, text = 'a') => {
    const { command, runs } = given({}, aContext({ commandId: 'hash of the key', ...context }));
    await command({ text });
    return runs[0];
  };

  test('a stranger’s command is recognised by its payload too, with each secret', async () => {
    expect(await runOf({ isRepeatable: true })).toMatchObject({
      commandId: 'fingerprint of hash of the key {"text":"a"}',
      formerCommandIds: ['older fingerprint of hash of the key {"text":"a"}'],
    });
  });

  test('a signed-in caller’s command is recognised by its key alone, so that another body is found out', async () => {
    const run = await runOf({ isRepeatable: true, caller: callerOf(aUser()) });
    expect(run?.commandId).toBe('hash of the key');
  });
});

describe('the version of If-Match (product 6.3)', () => {
  test.each<[number, number | readonly number[] | undefined, 'accepted' | 'refused', number[]?]>([
    [3, undefined, 'accepted'],
    [3, [2, 3], 'accepted'],
    [3, [2, 4], 'refused'],
    [3, undefined, 'refused', [3]],
    [3, 3, 'refused', [4, 3]],
    [3, 3, 'accepted', [4]],
    [3, 3, 'accepted'],
    [3, 2, 'refused'],
    [3, 4, 'refused'],
    [1, 0, 'refused'],
  ])('at version %i, a change with the expected version %s is %s', (version, expectedVersion, expected, refused) => {
    const check = () => requireVersion(version, { expectedVersion, unexpectedVersions: refused });
    if (expected === 'accepted') return check();
    expect(check).toThrow(
      expect.objectContaining({
        kind: 'precondition',
        code: 'http.precondition-failed',
        details: { currentVersion: version },
      }),
    );
  });
});
