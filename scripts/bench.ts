// Measures what the design has limits for: round trips per request, the size of the bundle, and the start-up.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fail, readOptions, run } from './command-line';

readOptions('npm run bench\n\nMeasures round trips per request, the size of the bundle, and the start-up.', {});
const bundleLimitKiB = 250;

const [, counted] = /(\{"create.*\})/.exec(run('vitest', ['run', '--project', 'bench'])) ?? [];
if (counted === undefined) fail('The benchmark printed no counts.');
console.log('Round trips per request');
console.table(JSON.parse(counted));

run('wrangler', ['deploy', '--dry-run', '--outdir', 'dist']);
const scripts = readdirSync('dist').filter((name) => name.endsWith('.js'));
const kiB = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join('dist', name))).length, 0) / 1024;
console.log(`Bundle: ${kiB.toFixed(1)} KiB gzip (limit ${bundleLimitKiB})`);
if (kiB > bundleLimitKiB) process.exitCode = 1;

run('wrangler', ['check', 'startup', '--outfile', 'dist/startup.cpuprofile']);
const profile: { startTime: number; endTime: number } = JSON.parse(readFileSync('dist/startup.cpuprofile', 'utf8'));
const startMs = (profile.endTime - profile.startTime) / 1000;
console.log(`Start-up: ${startMs.toFixed(0)} ms on this machine (the platform allows 1 s)`);
rmSync('dist', { recursive: true });
