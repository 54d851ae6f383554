/** What a check of the history found; the caller knows the seed. */
export class Mismatch extends Error {
  constructor(
    readonly expected: string,
    readonly found: string,
  ) {
    super(`${expected}; found: ${found}`);
  }
}

export function violate(expected: string, found: string): Mismatch {
  return new Mismatch(expected, found);
}

/** A JSON text that is the same for equal values, whatever the order of their fields is. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, field) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const mostDifferences = 8;

function* differences(expected: unknown, found: unknown, path: string): Generator<string> {
  if (isObject(expected) && isObject(found)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(found)]);
    for (const key of keys) yield* differences(expected[key], found[key], path === '' ? key : `${path}.${key}`);
  } else if (expected !== found) {
    yield `${path === '' ? 'the whole' : path} is ${canonical(found) ?? 'absent'} instead of ${canonical(expected) ?? 'absent'}`;
  }
}

/** What differs between two values of JSON, field by field. */
export function differenceOf(expected: unknown, found: unknown): string {
  const all = [...differences(expected, found, '')];
  const more = all.length > mostDifferences ? [`and ${all.length - mostDifferences} more`] : [];
  return [...all.slice(0, mostDifferences), ...more].join('; ');
}
