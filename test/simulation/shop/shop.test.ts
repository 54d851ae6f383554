import { expect, test } from 'vitest';
import { createCommands, createQueries } from '../../../src/domains';
import { generators } from './commands';
import { followUps } from './follow-ups';
import { outcomesOf } from './model';
import { readers } from './queries';
import { emptyState } from './state';

const unused = {} as never;
const commands = Object.keys(createCommands(() => unused, unused)).sort();
const queries = Object.keys(createQueries(unused, unused)).sort();

test('the clients of the simulation send every command and read with every query of domains.ts', () => {
  expect(Object.keys(generators).sort()).toEqual(commands);
  expect(Object.keys(readers).sort()).toEqual(queries);
});

test('the reference model has a rule for every command', () => {
  const request = {
    ...{ caller: undefined, expectedVersion: undefined, issuedAt: 0, views: [] },
    ...{ sellers: 'everyone' as const, linkMs: 1, linkOf: () => undefined, resetOf: () => undefined },
  };
  const payload = {
    name: 'A',
    email: 'a@example.com',
    username: 'a@example.com',
    password: 'b',
    token: 'c',
    changes: {},
  };
  const chosen = { id: '1', linkId: '', refreshToken: '4' };
  for (const name of commands) {
    expect(outcomesOf(emptyState, { ...request, name, payload }, chosen).length, name).toBeGreaterThan(0);
  }
});

test('every command is followed only by commands and queries that exist', () => {
  const known = [...commands, ...queries];
  expect(Object.values(followUps).flatMap((names) => names.filter((name) => !known.includes(name)))).toEqual([]);
});
