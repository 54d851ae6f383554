import { ConcurrencyError } from '../../../src/cqrs/writing/errors';

// What SQLite does with rows and constraints, with the texts of its errors, so that both units of work translate the
// same constraint names into domain errors. Rows that are read are copies, as they are on D1.

type Table<Row> = Map<string, Row>;

function uniqueFailed(name: string): Error {
  return new Error(`UNIQUE constraint failed: ${name}`);
}

/** @param primaryKey the column's name for the error, such as `users.id` */
export function insert<Row>(table: Table<Row>, primaryKey: string, key: string, row: Row): void {
  if (table.has(key)) throw uniqueFailed(primaryKey);
  table.set(key, structuredClone(row));
}

/** Changes columns of a row; like an UPDATE, it does nothing where there is no such row. */
export function update<Row extends object>(table: Table<Row>, key: string, values: Partial<Row>): void {
  const row = table.get(key);
  if (row) table.set(key, { ...row, ...structuredClone(values) });
}

export function find<Row>(table: Table<Row>, key: string): Row | undefined {
  return structuredClone(table.get(key));
}

export function select<Row>(table: Table<Row>, isSelected: (row: Row) => boolean): Row[] {
  return structuredClone([...table.values()].filter(isSelected));
}

/** Deletes the selected rows, and what depends on each by a foreign key. */
export function remove<Row>(
  table: Table<Row>,
  isSelected: (row: Row) => boolean,
  cascade: (key: string) => void = () => {},
): void {
  for (const [key, row] of [...table]) {
    if (!isSelected(row)) continue;
    table.delete(key);
    cascade(key);
  }
}

/** A UNIQUE constraint: no row but the one with this key may be selected. */
export function requireUnique<Row>(table: Table<Row>, name: string, key: string, isSame: (row: Row) => boolean): void {
  for (const [other, row] of table) if (other !== key && isSame(row)) throw uniqueFailed(name);
}

/** A CHECK constraint. */
export function requireCheck(name: string, holds: boolean): void {
  if (!holds) throw new Error(`CHECK constraint failed: ${name}`);
}

/** A foreign key: another commit has deleted the row that this one refers to. */
export function requireParent(table: Table<unknown>, key: string): void {
  if (!table.has(key)) throw new ConcurrencyError();
}
