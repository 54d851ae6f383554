import { describe, expect, test } from 'vitest';
import { pacing } from '../../src/cqrs/reading/projection-steps';
import { limits } from '../../src/platform/limits';
import { type Bounds, createProtocol } from './protocol';
import { search } from './search';
import { createSteps, type Mutation } from './steps';

const timeout = 600_000;
/** How long the projector lets a dashboard rest after its key became free. */
const restMs = limits.dashboardRestMs - pacing.writeMs;

async function explore(bounds: Bounds, mutation?: Mutation) {
  const steps = createSteps(mutation, bounds.restMs);
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

  test('with a newer version that removes the document of this shape, no document misses an event that is done', {
    timeout,
  }, async () => {
    const bounds = { versions: 2, consumers: 2, faults: 1, runs: 3, isMixed: true };
    const { counterexample, states, transitions } = await explore(bounds);
    console.log(`${states} states, ${transitions} transitions`);
    expect(counterexample).toBeUndefined();
  });

  test('with a document that rests after each put, and batches of events that share the next put, no event is done too early', {
    timeout,
  }, async () => {
    const bounds = { versions: 2, consumers: 2, faults: 1, runs: 2, restMs };
    const { counterexample, states, transitions } = await explore(bounds);
    console.log(`${states} states, ${transitions} transitions`);
    expect(counterexample).toBeUndefined();
  });

  test.each<[Mutation, Partial<Bounds>]>([
    ['no deadline', {}],
    ['no recheck', {}],
    ['an unclear failure taken for a refusal', {}],
    ['a delivery that is done although a recheck is due', {}],
    ['a delivery that is done although a document of another shape is left', { isMixed: true }],
    ['deliveries that are done although none of them holds a key that rests', { restMs }],
  ])(
    'with %s, the search finds that an old document can be in KV after its events are done',
    { timeout },
    async (mutation, more) => {
      const { counterexample } = await explore({ versions: 2, consumers: 2, faults: 1, runs: 3, ...more }, mutation);
      console.log([`With ${mutation}:`, ...(counterexample?.path ?? []), counterexample?.fault].join('\n  '));
      expect(counterexample?.fault).toContain('every event up to');
    },
  );
});
