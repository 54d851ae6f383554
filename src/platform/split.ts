const encoder = new TextEncoder();

/**
 * Splits a list, in order, into parts whose JSON has at most so many bytes each. A value that is larger by itself is a
 * part of its own.
 */
export function splitByBytes<Value>(values: readonly Value[], maxBytes: number): Value[][] {
  const parts: Value[][] = [];
  let part: Value[] = [];
  let bytes = 0;
  for (const value of values) {
    // One more byte is the comma or a bracket.
    const size = encoder.encode(JSON.stringify(value)).length + 1;
    if (part.length === 0 || bytes + size > maxBytes) {
      part = [];
      parts.push(part);
      // The second bracket.
      bytes = 1;
    }
    part.push(value);
    bytes += size;
  }
  return parts;
}
