import { expect, test } from 'vitest';
import { inLanes } from '../../src/platform/lanes';

test('lanes take the values in order, so many at a time, and end when all are done', async () => {
  const begun: number[] = [];
  let [running, most] = [0, 0];
  await inLanes(3, [1, 2, 3, 4, 5, 6, 7], async (value) => {
    begun.push(value);
    most = Math.max(most, ++running);
    for (let pause = 0; pause < value; pause++) await Promise.resolve();
    running--;
  });
  expect([begun, most, running]).toEqual([[1, 2, 3, 4, 5, 6, 7], 3, 0]);
});

test('a task that fails stops no other one, not even in its lane, and the first error is thrown at the end', async () => {
  const done: number[] = [];
  const failing = inLanes(2, [1, 2, 3, 4], async (value) => {
    if (value <= 2) throw new Error(`value ${value}`);
    done.push(value);
  });
  await expect(failing).rejects.toThrow('value 1');
  expect(done).toEqual([3, 4]);
});

test('no values need no lane', async () => {
  await expect(inLanes(6, [], async () => {})).resolves.toBeUndefined();
});
