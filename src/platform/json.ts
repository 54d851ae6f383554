/** A text that is the same for two values with the same JSON, whatever the order of the fields of their objects. */
function toStableJson(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** Whether two values have the same JSON. The order of fields and fields without a value make no difference. */
export function isSameJson(a: unknown, b: unknown): boolean {
  return toStableJson(a) === toStableJson(b);
}
