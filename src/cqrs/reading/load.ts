import { type Database, decodeLater, runBatch, type Statement, statementError } from '../../platform/d1';
import type { Views } from './shapes';
import { documentKey, type Loaded, type View, type ViewKey } from './view';

// A key fails when its rows, or its view's code, do not give a document. It must not stop the keys around it.

/** A key whose rows were asked for. */
export interface LoadedKey extends ViewKey {
  /** Undefined for a shape that this version of the Worker does not know: its document is removed. */
  definition: View | undefined;
  /** Returns the rows of D1 for the document. Throws the error of this key alone, if they cannot be read. */
  rows(): unknown;
}

/** The results of statements, and keys with their rows, from one snapshot. */
export interface LoadedTogether {
  results: unknown[];
  loaded: LoadedKey[];
  /** How many queries were spent on the search for the keys whose queries SQLite refuses. */
  searched: number;
}

/**
 * Makes the document of a key; undefined when the write model has no such document.
 * @throws the key's own error
 */
export function loadDocument({ key, rows, definition }: LoadedKey): Loaded<unknown> | undefined {
  return definition?.toDocument(rows(), key);
}

/**
 * Runs statements and the queries of keys in one batch. If SQLite refuses it, for example because of malformed JSON in a
 * row, the batch has had no effect, and runs again without the queries that fail alone.
 */
export async function loadTogether(
  db: Database,
  views: Views,
  keys: readonly ViewKey[],
  statements: readonly Statement[],
): Promise<LoadedTogether> {
  try {
    return await loadWithout(new Map(), db, views, keys, statements);
  } catch (error) {
    if (statementError(error) === undefined) throw error;
    const refused = await findRefused(db, views, keys);
    if (refused.size === 0) throw error;
    const together = await loadWithout(refused, db, views, keys, statements);
    return { ...together, searched: 2 * keys.length };
  }
}

/** Runs the batch without the queries of failing keys, whose rows are their errors. */
async function loadWithout(
  refused: ReadonlyMap<string, unknown>,
  db: Database,
  views: Views,
  keys: readonly ViewKey[],
  statements: readonly Statement[],
): Promise<LoadedTogether> {
  const failing = new Map(refused);
  const queries = new Map<string, Statement>();
  for (const { view, key } of keys) {
    const kvKey = documentKey({ view, key });
    const definition = views.get(view);
    if (!definition || failing.has(kvKey)) continue;
    try {
      queries.set(kvKey, decodeLater(definition.query(db, key)));
    } catch (error) {
      failing.set(kvKey, error);
    }
  }
  const results: unknown[] = await runBatch(db, [...statements, ...queries.values()]);
  // The results of these statements are functions.
  const decoders = results.splice(statements.length) as (() => unknown)[];
  const rows = new Map([...queries.keys()].map((kvKey, index) => [kvKey, decoders[index]]));
  const loaded = keys.map(({ view, key }) => {
    const kvKey = documentKey({ view, key });
    return {
      view,
      key,
      definition: views.get(view),
      rows() {
        if (failing.has(kvKey)) throw failing.get(kvKey);
        return rows.get(kvKey)?.();
      },
    };
  });
  return { results, loaded, searched: 0 };
}

/** Finds the keys whose queries SQLite refuses, with the errors. */
async function findRefused(db: Database, views: Views, keys: readonly ViewKey[]): Promise<Map<string, unknown>> {
  const refused = new Map<string, unknown>();
  await Promise.all(
    keys.map(async (key) => {
      try {
        await loadWithout(new Map(), db, views, [key], []);
      } catch (error) {
        if (statementError(error) === undefined) throw error;
        refused.set(documentKey(key), error);
      }
    }),
  );
  return refused;
}
