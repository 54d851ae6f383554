import { env } from 'cloudflare:workers';

/** The rows of every table of D1 as JSON, by the table's name. */
export async function readAllRows(): Promise<Record<string, string>> {
  const { results: tables } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%'",
  ).all<{ name: string }>();
  const rows: Record<string, string> = {};
  for (const { name } of tables) {
    rows[name] = JSON.stringify((await env.DB.prepare(`SELECT * FROM "${name}"`).all()).results);
  }
  return rows;
}

/** The keys and values of every document in KV as one text. */
export async function readAllDocuments(): Promise<string> {
  const texts: string[] = [];
  let cursor: string | undefined;
  do {
    const page: KVNamespaceListResult<unknown> = await env.VIEWS.list(cursor === undefined ? {} : { cursor });
    for (const { name } of page.keys) texts.push(`${name} ${await env.VIEWS.get(name)}`);
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor !== undefined);
  return texts.join('\n');
}
