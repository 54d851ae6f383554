import { expect, test } from 'vitest';
import { simulate } from './simulate';


test('one seed always makes the same history, so that a failure can be seen again', { timeout: 60_000 }, async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const [first, second]: [string[], string[]] = [[], []];
    const report = await simulate(seed, (line) => first.push(line));
    expect(await simulate(seed, (line) => second.push(line))).toEqual(report);
    expect(second).toEqual(first);
    // Tracing changes nothing.
    expect(await simulate(seed)).toEqual(report);
  }
});
