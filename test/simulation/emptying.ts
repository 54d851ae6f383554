import type { DatabaseSync } from 'node:sqlite';

/**
 * The tables, those first that refer to others, so that rows can be deleted in this order while foreign keys hold. Tables
 * that triggers alone fill refer to none, and were made last.
 */
function orderForDeletion(db: DatabaseSync, tables: readonly string[]): string[] {
  const parents = db.prepare('SELECT "table" FROM pragma_foreign_key_list(?)');
  const parentsOf = new Map(tables.map((name) => [name, parents.all(name).map(({ table }) => table)]));
  const depthOf = (name: string): number =>
    Math.max(0, ...tables.filter((child) => parentsOf.get(child)?.includes(name)).map((child) => 1 + depthOf(child)));
  const isAlone = (name: string) => depthOf(name) === 0 && parentsOf.get(name)?.length === 0;
  return tables.toSorted(
    (one, other) => Number(isAlone(one)) - Number(isAlone(other)) || depthOf(one) - depthOf(other),
  );
}

/** The statements that empty all tables, and a query with a row if one of them is not empty. */
export function emptyAllOf(db: DatabaseSync): { emptyAll: string; findRow: string } {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const names = orderForDeletion(
    db,
    tables.map(({ name }) => `${name}`),
  );
  return {
    emptyAll: names.map((name) => `DELETE FROM "${name}";`).join(' '),
    findRow: names.map((name) => `SELECT '${name}' AS name WHERE EXISTS (SELECT 1 FROM "${name}")`).join(' UNION ALL '),
  };
}
