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

describe('the projector’s protocol for one document, with every order of its steps', () => {
  test('with two versions, two consumers at the same time, and any number of runs and deaths, KV always gets the newest version', {
    timeout,
  }, async () => {
    const { counterexample, states, transitions } = await explore({ versions: 2, consumers: 2 });
    console.log(`${states} states, ${transitions} transitions`);
    expect(counterexample).toBeUndefined();
  });

  test('with three versions, three consumers at the same time, and two deaths, KV always gets the newest version', {
    timeout,
  }, async () => {
    const bounds = { versions: 3, consumers: 3, faults: 2, runs: 3 };
    const { counterexample, states, transitions } = await explore(bounds);
    console.log(`${states} states, ${transitions} transitions`);
    expect(counterexample).toBeUndefined();
  });

  test.each<[Mutation]>([['no deadline'], ['no recheck'], ['an unclear failure taken for a refusal']])(
    'with %s, the search finds a history in which KV keeps an old version for ever',
    { timeout },
    async (mutation) => {
      const { counterexample } = await explore({ versions: 2, consumers: 2 }, mutation);
      console.log([`With ${mutation}:`, ...(counterexample?.path ?? []), counterexample?.fault].join('\n  '));
      expect(counterexample?.fault).toContain('for ever');
    },
  );
});
