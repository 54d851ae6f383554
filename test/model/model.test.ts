import { describe, expect, test } from 'vitest';
import { type Bounds, createProtocol } from './protocol';
import { search } from './search';
import { createSteps, type Mutation } from './steps';

const timeout = 600_000;

async function explore(bounds: Bounds, mutation?: Mutation) {
  const steps = createSteps(mutation);
  try {
    return await search(createProtocol(steps, bounds));
  } finally {
    steps.close();
  }
}

describe('the projector’s protocol, with everything that can happen in every order', () => {
  test('two versions, two consumers at once, any number of runs and crashes: no bad end, and always a good one', {
    timeout,
  }, async () => {
    const { counterexample, states, transitions } = await explore({ versions: 2, consumers: 2 });
    console.log(`${states} states, ${transitions} transitions`);
    expect(counterexample).toBeUndefined();
  });

  test('three versions, three consumers at once, two crashes: no bad end, and always a good one', {
    timeout,
  }, async () => {
    const bounds = { versions: 3, consumers: 3, faults: 2, runs: 3 };
    const { counterexample, states, transitions } = await explore(bounds);
    console.log(`${states} states, ${transitions} transitions`);
    expect(counterexample).toBeUndefined();
  });

  test.each<[Mutation]>([['no guard'], ['no settling'], ['unclear failure as refusal']])(
    'with %s a document stays stale for ever',
    { timeout },
    async (mutation) => {
      const { counterexample } = await explore({ versions: 2, consumers: 2 }, mutation);
      console.log([mutation, ...(counterexample?.path ?? []), counterexample?.fault].join('\n  '));
      expect(counterexample?.fault).toContain('for ever');
    },
  );
});
