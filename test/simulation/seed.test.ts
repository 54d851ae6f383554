import { expect, test } from 'vitest';
import { loadSimulation } from './bundle';

const { simulate } = await loadSimulation();

/** The report, or the violation with which the history ends: both must be the same each time. */
async function outcomeOf(seed: number, print?: (line: string) => unknown) {
  return simulate(seed, print).catch((error: Error) => error.message);
}

test('one seed always makes the same history, so that a failure can be seen again', { timeout: 600_000 }, async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const [first, second]: [string[], string[]] = [[], []];
    const outcome = await outcomeOf(seed, (line) => first.push(line));
    expect(await outcomeOf(seed, (line) => second.push(line))).toEqual(outcome);
    expect(second).toEqual(first);
    // Tracing changes nothing.
    expect(await outcomeOf(seed)).toEqual(outcome);
  }
});
