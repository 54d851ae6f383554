import { env } from 'cloudflare:workers';
import { drizzle } from 'drizzle-orm/d1';
import { beforeAll, expect, test } from 'vitest';
import type { ListView } from '../../src/cqrs/reading/list-view';
import type { View } from '../../src/cqrs/reading/view';
import { views } from '../../src/domains';
import type { Database } from '../../src/platform/d1';
import { createRequestPreparer } from '../support/prepared-requests';
import { operationsOf } from '../support/routes';
import { createSystem } from '../support/system';

// Every list is read with each of its filters, alone and all together, by a customer and by an admin. SQLite says for each
// statement which index it uses, and each filter must be a part of that index: D1 bills the rows that a query reads.

const statements = new Set<string>();

/** D1 that notes the statements of reads. */
function createNotingDatabase(): D1Database {
  const withSession = (from: string) => {
    const session = env.DB.withSession(from);
    const prepare = (sql: string) => {
      if (/^\s*select\b/i.test(sql)) statements.add(sql);
      return session.prepare(sql);
    };
    return { prepare, batch: session.batch.bind(session), getBookmark: () => session.getBookmark() };
  };
  // A read opens a session, and uses no other method.
  return { withSession } as unknown as D1Database;
}

const system = createSystem();
const lists = (await operationsOf(system)).filter(
  ({ method, path, operation }) =>
    method === 'GET' &&
    !path.includes('{') &&
    operation.parameters?.some(({ name }) => name === 'cursor') &&
    !path.startsWith('/v1/operations'),
);

interface Parameter {
  name?: string | undefined;
  in?: string | undefined;
  schema?: { enum?: string[]; examples?: string[]; format?: string } | undefined;
}

/** The query strings of a list: without a filter, with each alone, and with all together. */
function queriesOf(parameters: readonly Parameter[], accountId: string): string[] {
  const filters = parameters
    .filter((parameter) => parameter.in === 'query' && !['cursor', 'limit'].includes(parameter.name ?? ''))
    .map(
      ({ name, schema }) =>
        `${name}=${schema?.enum?.at(-1) ?? (schema?.format === 'uuid' ? accountId : (schema?.examples?.[0] ?? '1'))}`,
    );
  return [...new Set(['', ...filters, filters.join('&')])];
}

beforeAll(async () => {
  const [admin, customer] = [await system.register({ role: 'admin' }), await system.register()];
  for (const owner of [admin, customer]) {
    const prepare = createRequestPreparer(system, owner);
    // Two rows of each list, so that there is a second page.
    for (const { path } of lists) for (const _ of [1, 2]) await (await prepare('POST', path)).sendWith(owner.bearer);
  }
  const noting = createSystem({ DB: createNotingDatabase() });
  for (const { path, operation } of lists) {
    for (const { bearer, id } of [admin, customer]) {
      for (const query of queriesOf(operation.parameters ?? [], id)) {
        const first = await noting.request(`${path}?limit=1&${query}`, { headers: bearer });
        const next = /<(.+)>; rel="next"/.exec(first.headers.get('Link') ?? '')?.[1];
        if (next !== undefined) await noting.request(next, { headers: bearer });
      }
    }
  }
});

async function planOf(sql: string): Promise<string[]> {
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...Array.from(sql.matchAll(/\?/g), () => 1))
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail);
}

/** The text of the one statement that loads the documents of a view. */
function textOf({ query }: View): string {
  const statement = query(drizzle(env.DB) as Database, ['all']) as unknown as {
    _prepare(): { getQuery(): { sql: string } };
  };
  return statement._prepare().getQuery().sql;
}

const isListView = (view: View): view is ListView<unknown> => 'cellOf' in view;
const listViews = views.filter(isListView);

test('there is a read model for each list', () => expect(listViews.length).toBeGreaterThanOrEqual(lists.length));

// Each cell has a branch for each kind of owner: the newest rows of the cell by an index that ends with the id.
test.each(listViews.map((view) => [view.name, textOf(view)]))(
  'the documents of %s read the newest rows of each cell by an index alone, and nothing else of the table (product 6.10)',
  async (_, sql = '') => {
    const plan = await planOf(sql);
    expect(plan.join('; ')).not.toContain('TEMP B-TREE');
    const branches = [...sql.matchAll(/\(SELECT "\w+"\."id" FROM "(\w+)" WHERE (.*?)\s+ORDER BY/gs)];
    const [[, table = ''] = []] = branches;
    const reads = plan.filter((detail) => new RegExp(`^(SEARCH|SCAN) ${table}\\b`).test(detail));
    const [ofRow, ...ofCells] = reads;
    expect(ofRow).toMatch(/^SEARCH \w+ USING (INDEX \w+ \(id=\?\)|PRIMARY KEY \(id=\?\))$/);
    expect(ofCells).toHaveLength(branches.length);
    for (const [index, [, , where = '']] of branches.entries()) {
      const columns = [...where.matchAll(/"(\w+)" = (?:cell|wanted)\.value/g)].map(([, column]) => `${column}=?`);
      const isWhole = columns.length === 0;
      expect(ofCells[index]).toMatch(
        isWhole ? /^SCAN \w+( USING COVERING INDEX \w+)?$/ : /^SEARCH \w+ USING COVERING INDEX/,
      );
      for (const column of columns) expect(ofCells[index]).toContain(column);
    }
  },
);

test.each(views.map((view) => [view.name, textOf(view)]))(
  'the documents of %s are found by their keys, and no table is read as a whole',
  async (_, sql = '') => {
    const scans = (await planOf(sql)).filter((detail) => /^SCAN /.test(detail));
    const harmless =
      /^SCAN (wanted|cell|json_each) VIRTUAL TABLE|^SCAN \(?subquery|^SCAN users( USING COVERING INDEX \w+)?$/;
    // Days (stored in the order of their dates) and the tickets that were triaged last are read in this order, up to a limit.
    const ofDashboard = /^SCAN (ticket_days$|sales_days$|day$|tickets USING COVERING INDEX tickets_by_triage)/;
    expect(scans.filter((detail) => !harmless.test(detail) && !ofDashboard.test(detail))).toEqual([]);
  },
);

test('every list reads its rows by an index that has each of its filters, and sorts none', async () => {
  const listed = [...statements].filter((sql) => /\border by\b.*\blimit\b/i.test(sql));
  expect(listed.length).toBeGreaterThan(15);
  const { results: unique } = await env.DB.prepare(
    "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE UNIQUE INDEX%' AND sql NOT LIKE '%,%'",
  ).all<{ name: string }>();
  const problems: string[] = [];
  for (const sql of listed) {
    // A list of more cells than D1 takes in one query sorts the pages of its groups, which are short.
    const plan = (await planOf(sql)).join('; ').replaceAll(/SCAN group_\d+; USE TEMP B-TREE FOR ORDER BY/g, '');
    const where = /\bwhere\b(.*)\border by\b/is.exec(sql)?.[1] ?? '';
    const filters = [...where.matchAll(/"(\w+)" = \?/g)].map(([, column]) => `${column}=?`);
    // A value that only one row can have needs no help of the other filters.
    if (unique.some(({ name }) => plan.includes(`INDEX ${name} (`))) continue;
    const missing = filters.filter((filter) => !plan.includes(filter));
    if (missing.length > 0 || plan.includes('TEMP B-TREE')) problems.push(`${sql}\n  reads by: ${plan}`);
  }
  const remedy = 'Add an index to tables.ts that begins with the columns of the filters and ends with the id.';
  expect(problems, remedy).toEqual([]);
});
