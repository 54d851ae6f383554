interface TableRow {
  name: string;
  type: string;
  strict: number;
}

/** The tables of the migrated database, without those of SQLite, of D1 and of its list of migrations. */
export async function tablesOf(database: D1Database): Promise<{ name: string; isStrict: boolean }[]> {
  const { results } = await database.prepare('PRAGMA table_list').all<TableRow>();
  return results
    .filter(({ name, type }) => type === 'table' && !/^(?:sqlite_|_cf_|d1_)/.test(name))
    .map(({ name, strict }) => ({ name, isStrict: strict === 1 }));
}
