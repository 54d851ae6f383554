const encoder = new TextEncoder();

/** The bytes of a value's JSON in UTF-8. */
export function jsonBytes(value: unknown): number {
  return encoder.encode(JSON.stringify(value)).length;
}

/**
 * Splits a list, in order, into parts whose sizes add up to `maxSize` each at most. A value that is larger by itself is
 * a part of its own.
 */
export function splitBySize<Value>(
  values: readonly Value[],
  sizeOf: (value: Value) => number,
  maxSize: number,
  maxCount = Number.POSITIVE_INFINITY,
): Value[][] {
  const parts: Value[][] = [];
  let size = 0;
  for (const value of values) {
    const part = parts.at(-1);
    const added = sizeOf(value);
    const fits = part !== undefined && part.length < maxCount && size + added <= maxSize;
    if (fits) part.push(value);
    else parts.push([value]);
    size = fits ? size + added : added;
  }
  return parts;
}

/** Splits a list, in order, into parts whose JSON, as a list, has at most so many bytes each. */
export function splitByBytes<Value>(values: readonly Value[], maxBytes: number): Value[][] {
  // Each value has a comma or a bracket, and the list has one more bracket.
  return splitBySize(values, (value) => jsonBytes(value) + 1, maxBytes - 1);
}
