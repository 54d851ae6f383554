/**
 * Runs a task for each value, so many at a time, in the order of the values. A task that fails stops no other; the first
 * failure is thrown at the end.
 */
export async function inLanes<Value>(
  lanes: number,
  values: readonly Value[],
  task: (value: Value) => Promise<void>,
): Promise<void> {
  const rest = values.values();
  const failures: unknown[] = [];
  const run = async () => {
    // All lanes take from one iterator.
    for (const value of rest) await task(value).catch((error) => void failures.push(error));
  };
  await Promise.all(Array.from({ length: Math.min(lanes, values.length) }, run));
  if (failures.length > 0) throw failures[0];
}
