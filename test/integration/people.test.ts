import { env } from 'cloudflare:workers';
import { drizzle } from 'drizzle-orm/d1';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/platform/d1';
import { newId } from '../../src/platform/ids';
import { runSchedule } from '../../src/schedule';
import { foldNames, foldText, searchUsers } from '../../src/users/search';
import { userListQuery } from '../../src/users/views';
import { password } from '../support/factories';
import { createSystem } from '../support/system';

const system = createSystem();
const { register, request, send } = system;
const agent = await register({ role: 'agent' });

interface Found {
  id: string;
  name: string;
  email: string;
  role: string;
  isActive: boolean;
}

const search = (text: string, by = agent) =>
  request(`/v1/users?search=${encodeURIComponent(text)}`, { headers: by.bearer });

async function find(text: string): Promise<Found[]> {
  const response = await search(text);
  expect(response.status).toBe(200);
  return (await response.json<{ data: Found[] }>()).data;
}

const namesOf = async (text: string) => (await find(text)).map(({ name }) => name);

async function add(name: string, email = `${newId()}@example.com`): Promise<string> {
  const response = await send('POST', '/v1/users', { name, email, password });
  expect(response.status).toBe(201);
  return (await response.json<{ id: string }>()).id;
}

describe('the search for people (product 1.11)', () => {
  beforeAll(async () => {
    await add('Åsa Lindqvist', 'asa.l@example.com');
    await add('José Ángel  Pérez', 'perez@example.org');
    await add('Zoë', 'zoe@example.org');
    await add('Грета Иванова');
    await add('Łukasz Søndergård');
  });

  test.each([
    ['an e-mail address in other case', 'ASA.L@Example.com', ['Åsa Lindqvist']],
    ['the beginning of an e-mail address', 'perez@', ['José Ángel  Pérez']],
    ['the beginning of a name, without accents', 'asa li', ['Åsa Lindqvist']],
    ['the beginning of a name, with accents and in upper case', 'ÅSA', ['Åsa Lindqvist']],
    ['the beginning of the last name', 'pére', ['José Ángel  Pérez']],
    ['single spaces', 'jose angel perez', ['José Ángel  Pérez']],
    ['letters of another script', 'ИВАН', ['Грета Иванова']],
    ['a name of one word', 'zo', ['Zoë']],
    ['plain letters for others', 'lukasz', ['Łukasz Søndergård']],
    ['the letters of the name', 'søn', ['Łukasz Søndergård']],
    ['no beginning', 'indqvist', []],
    ['a wildcard', '%a', []],
  ])('finds accounts by %s', async (_, text, names) => {
    expect(await namesOf(text)).toEqual(names);
  });

  test('shows what agents need, and lists twenty accounts at most, the one with this address first', async () => {
    for (let count = 0; count < 25; count++) await add(`Kim Many${count}`, `kim${count}@example.com`);
    const found = await find('kim');
    expect(found).toHaveLength(20);
    expect(new Set(found.map(({ id }) => id)).size).toBe(20);
    await add('Zz Exact', 'kim@example.com');
    const [first] = await find('kim@example.com');
    expect(first).toEqual({
      id: expect.any(String),
      ...{ name: 'Zz Exact', email: 'kim@example.com', role: 'customer', isActive: true },
    });
  });

  test('follows a new name and a deletion', async () => {
    const person = await register();
    await send('PATCH', `/v1/users/${person.id}`, { name: 'Quentin Übermut' }, person.bearer);
    expect((await find('ubermut')).map(({ id }) => id)).toEqual([person.id]);
    await send('DELETE', `/v1/users/${person.id}`, undefined, person.bearer);
    expect(await find('ubermut')).toEqual([]);
  });

  test('is for agents and admins, and needs two characters', async () => {
    expect((await search('asa', await register())).status).toBe(403);
    expect((await search(' a ')).status).toBe(400);
    const page = await request('/v1/users?limit=1', { headers: agent.bearer });
    const { nextCursor } = await page.json<{ nextCursor: string }>();
    const both = await request(`/v1/users?search=asa&cursor=${nextCursor}`, { headers: agent.bearer });
    expect(both.status).toBe(400);
  });

  test('records each search with who has searched, and without its text', async () => {
    await search('lindq');
    await search('nobody@');
    const { results } = await env.DB.prepare(
      `SELECT data, metadata FROM events WHERE type = 'UsersSearched' ORDER BY position DESC LIMIT 2`,
    ).all<{ data: string; metadata: string }>();
    expect(results.map(({ data }) => JSON.parse(data))).toEqual([
      { kind: 'email', results: 0 },
      { kind: 'name', results: 1 },
    ]);
    for (const { metadata } of results) expect(JSON.parse(metadata)).toMatchObject({ actorId: agent.id });
    expect(JSON.stringify(results)).not.toMatch(/lindq|nobody/);
  });

  test('is limited by the account of the caller, and the list is not', async () => {
    const asked: string[] = [];
    const limit = async ({ key }: { key: string }) => ({ success: asked.push(key) < 2 });
    const limited = createSystem({ ACCOUNT_LIMIT: { limit } as RateLimit });
    const ask = (path: string) => limited.request(path, { headers: agent.bearer });
    expect((await ask('/v1/users?search=asa')).status).toBe(200);
    const refused = await ask('/v1/users?search=asa');
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '60']);
    expect((await ask('/v1/users')).status).toBe(200);
    expect(asked).toEqual([`search ${agent.id}`, `search ${agent.id}`]);
  });
});

describe('names that version 0.6.0 writes (product 1.11)', () => {
  const insert = (id: string, name: string) =>
    env.DB.prepare(
      `INSERT INTO users (id, version, name, email, password_hash, role, is_active, token_generation, created_at, updated_at)
       VALUES (?, 1, ?, ?, '', 'customer', 1, 1, '', '')`,
    )
      .bind(id, name, `${id}@example.com`)
      .run();
  const rename = (id: string, name: string) =>
    env.DB.prepare('UPDATE users SET name = ? WHERE id = ?').bind(name, id).run();

  test('are found at once if they are ASCII, and otherwise after the hourly task', async () => {
    const [ascii, other] = [newId(), newId()];
    await insert(ascii, 'Old Version');
    await insert(other, 'Jürgen Älter');
    expect(await namesOf('version')).toEqual(['Old Version']);
    expect(await namesOf('jurg')).toEqual([]);
    await runSchedule(system.services(), '0 * * * *');
    expect(await namesOf('jurg')).toEqual(['Jürgen Älter']);
    await rename(ascii, 'New Release');
    await rename(other, 'Bjørk');
    expect(await namesOf('release')).toEqual(['New Release']);
    expect([await namesOf('version'), await namesOf('alter')]).toEqual([[], []]);
    await runSchedule(system.services(), '0 * * * *');
    expect(await namesOf('bjø')).toEqual(['Bjørk']);
  });
});

describe('names that version 0.7.0 has folded without some letters (product 1.11)', () => {
  test('are found in plain letters after the hourly task, and fold once', async () => {
    const id = await add('Đorđe Þórsson');
    await env.DB.prepare("UPDATE users SET search_name = 'đorđe þorsson' WHERE id = ?").bind(id).run();
    expect(await namesOf('djor')).toEqual([]);
    expect(await namesOf('thors')).toEqual([]);
    await runSchedule(system.services(), '0 * * * *');
    expect(await namesOf('dorde')).toEqual(['Đorđe Þórsson']);
    expect(await namesOf('thors')).toEqual(['Đorđe Þórsson']);
    expect(await foldNames(drizzle(env.DB))).toBe(0);
  });

  test('are those with the letters that this version folds, and no others', async () => {
    const plainLetters = 'ß ss æ ae œ oe ø o ł l đ d ð d þ th ħ h ŧ t ŋ n ı i'.split(' ');
    const index = await env.DB.prepare("SELECT sql FROM sqlite_schema WHERE name = 'users_to_fold_again'").first('sql');
    const letters = plainLetters.filter((_, at) => at % 2 === 0);
    expect(index).toContain(`GLOB '*[${letters.join('')}]*'`);
    expect(letters.map(foldText)).toEqual(plainLetters.filter((_, at) => at % 2 === 1));
  });
});

test('names are compared without case, accents and double spaces, in plain letters', () => {
  expect(foldText('  ÉLODIE   Straße ')).toBe('elodie strasse');
  expect(foldText('ŁUKASZ ØRSTED ĐORĐE STRAẞE ÆGIR ŒUVRE Ð Þ')).toBe('lukasz orsted dorde strasse aegir oeuvre d th');
  expect(foldText('\u0301')).toBe('');
});

test('a search reads three indexes, each up to its limit, and no table as a whole', async () => {
  const statements: string[] = [];
  const prepare = (sql: string) => {
    statements.push(sql);
    return env.DB.prepare(sql);
  };
  const noting = { prepare } as unknown as D1Database;
  await searchUsers(drizzle(noting) as Parameters<typeof searchUsers>[0], 'ada');
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${statements[0]}`)
    .bind(...Array.from(statements[0]?.matchAll(/\?/g) ?? [], () => 1))
    .all<{ detail: string }>();
  const plan = results.map(({ detail }) => detail).join('\n');
  for (const index of ['users_email_unique', 'users_by_search_name', 'users_by_last_name']) {
    expect(plan).toMatch(new RegExp(`SEARCH users USING .*INDEX ${index}`));
  }
  expect(plan).not.toMatch(/^SCAN users/m);
});

describe('the names of some accounts (product 1.11)', () => {
  const ask = (query: string, by = agent) => request(`/v1/users?${query}`, { headers: by.bearer });
  type Named = { data: { id: string; name: string }[]; total: number; nextCursor: string | null };

  test('are those of the accounts that exist, and nothing else of them', async () => {
    const [one, other, gone] = [await add('Ada One'), await add('Ben Other'), await register()];
    expect((await request(`/v1/users/${gone.id}`, { method: 'DELETE', headers: gone.bearer })).status).toBe(204);
    const response = await ask(`ids=${gone.id},${one},${newId()},${other},${one}`);
    expect(response.status).toBe(200);
    const both = [
      { id: other, name: 'Ben Other' },
      { id: one, name: 'Ada One' },
    ];
    expect(await response.json()).toEqual({ data: both, total: 2, nextCursor: null });
    const first = await (await ask(`ids=${one},${other}&limit=1`)).json<Named>();
    expect(first).toMatchObject({ data: both.slice(0, 1), total: 2 });
    const next = await (await ask(`ids=${one},${other}&limit=1&cursor=${first.nextCursor}`)).json<Named>();
    expect(next).toMatchObject({ data: both.slice(1), nextCursor: null });
  });

  test('are read by the ids alone', async () => {
    const { sql, params } = userListQuery(drizzle(env.DB) as Database, { limit: 21 }, [newId()]).toSQL();
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...params)
      .all<{ detail: string }>();
    const reads = results.map(({ detail }) => detail).filter((detail) => /\busers\b/.test(detail));
    expect(reads).toHaveLength(2);
    for (const read of reads) expect(read).toMatch(/^SEARCH users USING .*\(id=\?\)/);
  });

  test('are for agents and admins, and of up to 100 ids', async () => {
    const customer = await register();
    expect((await ask(`ids=${agent.id}`, customer)).status).toBe(403);
    const ids = Array.from({ length: 101 }, newId);
    expect((await ask(`ids=${ids.slice(1)}`)).status).toBe(200);
    for (const query of [`ids=${ids}`, 'ids=', 'ids=all', `ids=${agent.id}&search=ada`])
      expect([query.slice(0, 20), (await ask(query)).status]).toEqual([query.slice(0, 20), 400]);
  });
});
