import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { limits } from '../../src/platform/limits';
import { beginFile } from '../support/each-file';
import { emptyStorage } from '../support/empty-storage';
import { countRows, createSystem } from '../support/system';
import '../support/usual-limits';

// The files of tests share D1, KV and all modules; `setup.ts` does this before each of them.
async function beginAgain(): Promise<void> {
  await emptyStorage();
  beginFile();
}

test('a file of tests begins without rows and documents, and the log begins with position 1', async () => {
  const before = createSystem();
  await before.register({ role: 'admin' });
  await before.deliverQueues();
  expect((await env.VIEWS.list()).keys).not.toEqual([]);
  await beginAgain();
  expect(Object.entries(await countRows()).filter(([, rows]) => rows > 0)).toEqual([]);
  expect((await env.VIEWS.list()).keys).toEqual([]);
  await createSystem().register();
  expect(await env.DB.prepare('SELECT min(position) FROM events').raw()).toEqual([[1]]);
});

test('a schema that an earlier file has changed is refused with what is different', async () => {
  await beginAgain();
  await env.DB.prepare('CREATE TRIGGER left_behind AFTER INSERT ON items BEGIN SELECT 1; END').run();
  await expect(emptyStorage()).rejects.toThrow(/undo it there: CREATE TRIGGER left_behind/);
  await env.DB.prepare('DROP TRIGGER left_behind').run();
  await beginAgain();
});

test('a limit that an earlier file has changed is what it was', async () => {
  const { keysPerBatch } = limits;
  Object.assign(limits, { keysPerBatch: 1 });
  await beginAgain();
  expect(limits.keysPerBatch).toBe(keysPerBatch);
});
