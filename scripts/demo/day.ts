// What every scene of the demo shares: the people, and how they act, wait and speak.
import { randomBytes } from 'node:crypto';
import { type Client, createClient } from '../../src/client';
import { url } from '../local';
import type { createLagProbe } from '../measures';
import type { createRecord } from './figures';
import type { Home } from './people';
import type { Post } from './post';

export interface Person {
  id: string;
  name: string;
  email: string;
  home: Home;
  client: Client;
}

/** The day, before the shop opens. */
export interface Day {
  admin: Client;
  act: ReturnType<typeof createRecord>['act'];
  probe: ReturnType<typeof createLagProbe>;
  post: Post;
  say(line: string): void;
  /** The password of everybody whom the demo registers. */
  password: string;
  ordersEach: number;
}

/** The day after the shop has opened. */
export interface Shop extends Day {
  /** Who sells. */
  owner: Person;
  agents: readonly Person[];
  customers: readonly Person[];
  /** The ids of the items. */
  items: readonly string[];
}

/** What the API did, which a day at a shop cannot go on without. */
export function need<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('The API refused what it should have done.');
  return value;
}

/** A second demo on the same API needs other addresses. */
const run = randomBytes(3).toString('hex');

/** Registers somebody, in the language of their home, and signs them in. */
export async function join(
  { act, password }: Day,
  { name, address, home }: { name: string; address: string; home: Home },
): Promise<Person> {
  const email = `${address}.${run}@example.com`;
  const client = createClient(url);
  const { locale, timezone } = home;
  const account = { name, email, password, locale, timezone };
  const { id } = need(await act('Register', () => client.api.users.$post({ json: account }))).answer;
  await client.signIn(email, password);
  return { id, name, email, home, client };
}

/** Runs a few tasks at a time, because a laptop hashes only one password at a time. */
export async function each<Item, Result>(items: readonly Item[], task: (item: Item, index: number) => Promise<Result>) {
  const results: Result[] = [];
  const queue = [...items.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await task(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return results;
}
