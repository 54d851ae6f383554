import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from '../../scripts/command-line';
import { atMost, type Goal } from '../goals';

/** Measures the size of the Worker's bundle and the time that it needs to start. */
export async function measureSize(): Promise<readonly Goal[]> {
  run('wrangler', ['deploy', '--dry-run', '--outdir', 'dist']);
  const scripts = readdirSync('dist').filter((name) => name.endsWith('.js'));
  const kiB = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join('dist', name))).length, 0) / 1024;
  run('wrangler', ['check', 'startup', '--outfile', 'dist/startup.cpuprofile']);
  const profile: { startTime: number; endTime: number } = JSON.parse(readFileSync('dist/startup.cpuprofile', 'utf8'));
  rmSync('dist', { recursive: true });
  return [
    atMost('bundle, in KiB of gzip', 250, kiB),
    atMost('start-up, in ms (the platform allows 1,000)', 1000, (profile.endTime - profile.startTime) / 1000),
  ];
}
