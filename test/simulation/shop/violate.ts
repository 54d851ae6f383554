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
