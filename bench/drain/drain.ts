// How fast the consumers drain what waits: the same commands on two versions, in turns on the same machine.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { commands, openShop } from '../load/shop';
import { countPending, startVersion } from '../load/worker';
import { cpuMicroseconds } from '../processes';

/** The figures of one drain. */
export interface Drain {
  deliveries: number;
  wallMs: number;
  cpuMs: number;
}

/** Fills the storage of a version with deliveries that nobody has handled. */
export async function fillBacklog(folder: string, data: string, deliveries: number): Promise<void> {
  const worker = await startVersion({ folder, data, hasConsumers: false });
  try {
    await worker.schedule('* * * * *');
    const shop = await openShop(worker.url, 1);
    const parallel = async () => {
      while ((await countPending(worker)) < deliveries) {
        for (let index = 0; index < 20; index++) await shop.run(shop.next(commands));
      }
    };
    await Promise.all(Array.from({ length: 4 }, parallel));
    // The deliveries to the other consumers would use the processor beside the projections.
    const database = await worker.database();
    await database.batch([
      database.prepare("DELETE FROM deliveries WHERE subscription <> 'projections'"),
      database.prepare('UPDATE deliveries SET available_at = 0'),
    ]);
  } finally {
    await worker.stop();
  }
}

/** Drains a copy of what {@link fillBacklog} made, and measures it from the relay's run to the last delivery. */
export async function drain(folder: string, filled: string, storesDocuments: boolean): Promise<Drain> {
  const data = mkdtempSync(join(tmpdir(), 'frontdesk-drain-'));
  cpSync(filled, data, { recursive: true });
  const worker = await startVersion({ folder, data, hasConsumers: true, storesDocuments });
  try {
    const deliveries = await countPending(worker);
    const [startedAt, cpuBefore] = [performance.now(), cpuMicroseconds(worker.pid)];
    void worker.schedule('* * * * *');
    while ((await countPending(worker)) > 0) await wait(100);
    return {
      deliveries,
      wallMs: performance.now() - startedAt,
      cpuMs: (cpuMicroseconds(worker.pid) - cpuBefore) / 1000,
    };
  } finally {
    await worker.stop();
    rmSync(data, { recursive: true, force: true });
  }
}
