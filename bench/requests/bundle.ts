import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../scripts/command-line';

/** Bundles a Worker as a deployment does: minified, with the settings of wrangler.toml. */
export function bundle(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'frontdesk-bench-'));
  try {
    run('wrangler', ['deploy', script, '--dry-run', '--outdir', folder]);
    const name = readdirSync(folder).find((file) => file.endsWith('.js')) ?? '';
    return readFileSync(join(folder, name), 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
