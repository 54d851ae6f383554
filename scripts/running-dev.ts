// The `npm run dev` of this folder: two of them would share one local database, and a script beside it talks to it.
import { readdirSync, rmSync } from 'node:fs';

export interface RunningDev {
  pid: number;
  url: string;
}

/** The address of an API on this machine. */
export const localUrl = (port: number | string) => `http://localhost:${port}`;

/** The name of the configuration that a `npm run dev` has while it runs. It tells the other scripts which one runs, and where. */
export const configName = (port: number, pid = process.pid) => `wrangler.dev-${port}-${pid}.json`;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Finds the `npm run dev` of this folder, and deletes what one left behind that could not end in order. */
export function findRunningDev(): RunningDev | undefined {
  for (const name of readdirSync('.')) {
    const [, port, pid] = /^wrangler\.dev-(\d+)-(\d+)\.json$/.exec(name) ?? [];
    if (port === undefined || pid === undefined) continue;
    if (isRunning(Number(pid))) return { pid: Number(pid), url: localUrl(port) };
    rmSync(name, { force: true });
  }
  return undefined;
}

/** What a person does about a running one. */
export function describeRunningDev({ pid, url }: RunningDev): string {
  return `\`npm run dev\` is already running at ${url} (process ${pid}). Stop it first, with Ctrl-C in its window.`;
}
