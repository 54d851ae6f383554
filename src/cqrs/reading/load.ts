import { type Database, runBatch, type Statement, statementError } from '../../platform/d1';
import { DefectError } from '../../platform/failure';
import { asRowsOf, type RowsOf } from './keyed-query';
import type { Views } from './shapes';
import { documentKey, type Loaded, type View, type ViewKey } from './view';

// A key fails when its rows, or its view's code, do not give a document. It must not stop the keys around it.

/** A key whose rows were asked for. */
export interface LoadedKey extends ViewKey {
  /** Undefined for a shape that this version of the Worker does not know: its document is removed. */
  definition: View | undefined;
  /** The rows of D1 for the document. Throws the error of this key alone, if they cannot be read. */
  rowsOf: RowsOf;
}

/** The results of statements, and keys with their rows, from one snapshot. */
export interface LoadedTogether {
  results: unknown[];
  loaded: LoadedKey[];
  /** How many statements were spent on the search for the keys whose rows cannot be loaded. */
  searched: number;
}

/**
 * Makes the document of a key; undefined when the write model has no such document.
 * @throws the key's own error
 */
export function loadDocument({ key, rowsOf, definition }: LoadedKey): Loaded<unknown> | undefined {
  return definition?.toDocument(rowsOf, key);
}

/** The errors of the keys whose rows cannot be loaded, by the keys of their documents in KV. */
type Refused = Map<string, unknown>;

/** The code of a view that fails before its query runs. */
class UnmadeQuery extends DefectError {}

function makeQuery(view: View, db: Database, keys: readonly string[]): Statement {
  try {
    return view.query(db, keys);
  } catch (error) {
    throw new UnmadeQuery(error);
  }
}

/** Whether a batch failed because of a key, and not because of the platform. */
const isFaultOfKey = (error: unknown) => error instanceof UnmadeQuery || statementError(error) !== undefined;

/** How often a batch runs: while refused keys are searched for, a row can be corrected, or another one can become unreadable. */
const mostRuns = 3;

/**
 * Runs statements, and one query for the keys of each view, in one batch. If SQLite refuses it, for example because of
 * malformed JSON in a row, the batch has had no effect, and runs again without the keys that are refused alone.
 */
export async function loadTogether(
  db: Database,
  views: Views,
  keys: readonly ViewKey[],
  statements: readonly Statement[],
): Promise<LoadedTogether> {
  const refused: Refused = new Map();
  let searched = 0;
  for (let run = 1; ; run++) {
    try {
      return { ...(await loadWithout(refused, db, views, keys, statements)), searched };
    } catch (error) {
      if (!isFaultOfKey(error) || run === mostRuns) throw error;
      searched += await findRefused(refused, db, groupByView(views, withoutKeys(refused, keys)));
    }
  }
}

const withoutKeys = (refused: Refused, keys: readonly ViewKey[]) =>
  keys.filter((key) => !refused.has(documentKey(key)));

/** The keys of each view that this version knows. */
function groupByView(views: Views, keys: readonly ViewKey[]): Map<View, string[]> {
  const groups = new Map<View, string[]>();
  for (const { view, key } of keys) {
    const definition = views.get(view);
    if (!definition) continue;
    const group = groups.get(definition);
    if (group) group.push(key);
    else groups.set(definition, [key]);
  }
  return groups;
}

/** Runs the batch without the refused keys, whose rows are their errors. */
async function loadWithout(
  refused: Refused,
  db: Database,
  views: Views,
  keys: readonly ViewKey[],
  statements: readonly Statement[],
): Promise<Omit<LoadedTogether, 'searched'>> {
  const groups = groupByView(views, withoutKeys(refused, keys));
  const queries = Array.from(groups, ([definition, some]) => makeQuery(definition, db, some));
  const results: unknown[] = await runBatch(db, [...statements, ...queries]);
  const rows = results.splice(statements.length).map(asRowsOf);
  const byView = new Map(Array.from(groups.keys(), ({ id }, index) => [id, rows[index]]));
  const loaded = keys.map(({ view, key }): LoadedKey => {
    const rowsOf = () => {
      const kvKey = documentKey({ view, key });
      if (refused.has(kvKey)) throw refused.get(kvKey);
      return byView.get(view)?.(key) ?? [];
    };
    return { view, key, definition: views.get(view), rowsOf };
  });
  return { results, loaded };
}

/**
 * Finds the keys whose rows cannot be loaded, with the errors: it halves the keys of a view until it has single ones.
 * @returns how many statements the search took
 */
async function findRefused(
  refused: Refused,
  db: Database,
  groups: ReadonlyMap<View, readonly string[]>,
): Promise<number> {
  let searched = 0;
  async function search(view: View, keys: readonly string[]): Promise<void> {
    searched++;
    try {
      await runBatch(db, [makeQuery(view, db, keys)]);
    } catch (error) {
      if (!isFaultOfKey(error)) throw error;
      const [key, ...others] = keys;
      if (key === undefined) return;
      if (others.length === 0)
        return void refused.set(view.kvKey(key), error instanceof UnmadeQuery ? error.cause : error);
      const middle = Math.ceil(keys.length / 2);
      await Promise.all([search(view, keys.slice(0, middle)), search(view, keys.slice(middle))]);
    }
  }
  await Promise.all(Array.from(groups, ([view, keys]) => search(view, keys)));
  return searched;
}
