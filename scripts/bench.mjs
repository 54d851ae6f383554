// Measures what the design promises: round trips per request, the bundle, and the start-up.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const bundleLimitKiB = 250;

function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) {
    console.error(stdout, stderr);
    process.exit(1);
  }
  return stdout;
}

const [, counted] = /(\{"create.*\})/.exec(run('vitest', ['run', '--project', 'bench'])) ?? [];
console.log('Round trips per request');
console.table(JSON.parse(counted));

run('wrangler', ['deploy', '--dry-run', '--outdir', 'dist']);
const scripts = readdirSync('dist').filter((name) => name.endsWith('.js'));
const kiB = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join('dist', name))).length, 0) / 1024;
console.log(`Bundle: ${kiB.toFixed(1)} KiB gzip (limit ${bundleLimitKiB})`);
if (kiB > bundleLimitKiB) process.exitCode = 1;

run('wrangler', ['check', 'startup', '--outfile', 'dist/startup.cpuprofile']);
const { startTime, endTime } = JSON.parse(readFileSync('dist/startup.cpuprofile', 'utf8'));
console.log(`Start-up: ${((endTime - startTime) / 1000).toFixed(0)} ms on this machine (the platform allows 1 s)`);
rmSync('dist', { recursive: true });
