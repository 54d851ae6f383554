import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createBus, defineCommand } from '../../src/cqrs/writing/command';
import { ConcurrencyError, DomainError, type ErrorKind } from '../../src/platform/errors';
import { aContext } from '../support/factories';

/** A bus whose one command answers from where it was read, or throws. */
function given(handle: (readFrom: string) => string) {
  const reads: string[] = [];
  const command = defineCommand(z.strictObject({}), async (_, { readFrom }) => {
    reads.push(readFrom);
    return { result: handle(readFrom), commit: { position: 1, bookmark: null } };
  });
  const bus = createBus({ Do: command }, (text) => text);
  return { reads, run: (readFrom: string) => bus.execute('Do', {}, aContext({ readFrom })) };
}

const kinds: ErrorKind[] = ['not-found', 'conflict', 'forbidden', 'invalid', 'unauthenticated', 'precondition'];

describe('a replica may lag behind what the caller knows', () => {
  test.each(kinds)('so a refusal from one (%s) is asked of the primary once more', async (kind) => {
    const { reads, run } = given((readFrom) => {
      if (readFrom !== 'first-primary') throw new DomainError(kind, 'test.refused', 'Not yet.');
      return 'done';
    });
    expect((await run('first-unconstrained')).result).toBe('done');
    expect(reads).toEqual(['first-unconstrained', 'first-primary']);
  });

  test('and the primary’s refusal is final', async () => {
    const { reads, run } = given(() => {
      throw new DomainError('invalid', 'test.refused', 'No.');
    });
    await expect(run('first-unconstrained')).rejects.toMatchObject({ code: 'test.refused' });
    expect(reads).toEqual(['first-unconstrained', 'first-primary']);
  });
});

describe('a lost race (product 6.3)', () => {
  test('is tried again from fresh state', async () => {
    let races = 2;
    const { reads, run } = given(() => {
      if (races-- > 0) throw new ConcurrencyError();
      return 'done';
    });
    expect((await run('bookmark')).result).toBe('done');
    expect(reads).toEqual(['bookmark', 'first-primary', 'first-primary']);
  });

  test('is told when it is lost again and again', async () => {
    const { reads, run } = given(() => {
      throw new ConcurrencyError();
    });
    await expect(run('first-primary')).rejects.toMatchObject({ kind: 'conflict' });
    expect(reads).toHaveLength(5);
  });
});
