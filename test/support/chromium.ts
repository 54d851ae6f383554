import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

const { status, stdout } = spawnSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' });

/** A developer's machine may have no Chromium. CI installs it, so the tests in a browser are never skipped there. */
export const hasNoBrowser = process.env.CI === undefined && status !== 0;

/** Says in a line why tests do not run. */
export function sayIfSkipped(what: string): void {
  if (hasNoBrowser) console.log(`${what} are skipped, because this machine has no Chromium.`);
}

/** Starts the Chromium of this machine. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: stdout.trim(), args: ['--no-sandbox'] });
}
