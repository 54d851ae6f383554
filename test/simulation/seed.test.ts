import { expect, test, vi } from 'vitest';
import { simulate } from './simulate';

vi.mock('../../src/platform/password', () => ({ hashPassword: async () => '', verifyPassword: async () => ({}) }));

test('a seed makes one history: what failed can be seen again', { timeout: 60_000 }, async () => {
  for (let seed = 1; seed <= 15; seed++) expect(await simulate(seed)).toEqual(await simulate(seed));
});
