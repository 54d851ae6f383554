import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail, run } from '../../scripts/command-line';
import { percentile } from '../../scripts/measures';
import { atLeast, type Goal } from '../goals';
import { type Drain, drain, fillBacklog } from './drain';

/** So many waiting deliveries are drained, so many times. */
const [backlog, alternations] = [2_000, 3];

/** The files of another version, under this repository's `node_modules`. */
function checkOut(version: string): string {
  const folder = join('.wrangler', 'bench', version);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, 'version.tar');
  run('git', [
    'archive',
    `--output=${archive}`,
    version,
    'src',
    'migrations',
    'public',
    'package.json',
    'wrangler.toml',
  ]);
  run('tar', ['-x', '-f', archive, '-C', folder]);
  return folder;
}

const medianOf = (values: readonly number[]) => percentile(values, 50);

/** Drains the same backlog with this version and another one, which COMPARE names, in turns. */
export async function measureDrain(): Promise<readonly Goal[]> {
  const { COMPARE: version } = process.env;
  if (!version) fail('Name the commit to compare with: COMPARE=v0.5.0 npm run bench -- drain');
  const folders = { here: '.', there: checkOut(version) };
  const filled = { here: mkdtempSync(join(tmpdir(), 'bench-')), there: mkdtempSync(join(tmpdir(), 'bench-')) };
  const goals: Goal[] = [];
  try {
    for (const side of ['here', 'there'] as const) await fillBacklog(folders[side], filled[side], backlog);
    for (const storesDocuments of [true, false]) {
      const drains: Record<'here' | 'there', Drain[]> = { here: [], there: [] };
      for (let turn = 0; turn < alternations; turn++) {
        for (const side of ['here', 'there'] as const)
          drains[side].push(await drain(folders[side], filled[side], storesDocuments));
      }
      const rate = (side: 'here' | 'there', time: 'cpuMs' | 'wallMs') =>
        medianOf(drains[side].map((one) => (one.deliveries * 1000) / one[time]));
      const kv = storesDocuments ? 'with the local KV' : 'with a KV that costs nothing';
      console.log(`Draining ${backlog} deliveries ${kv}, in deliveries a second (median of ${alternations})`);
      const row = (side: 'here' | 'there') => ({
        'of time': Math.round(rate(side, 'wallMs')),
        'of processor time': Math.round(rate(side, 'cpuMs')),
      });
      console.table({ [version]: row('there'), 'this version': row('here') });
      const ratio = rate('here', 'cpuMs') / rate('there', 'cpuMs');
      if (!storesDocuments) goals.push(atLeast(`deliveries drained, of version ${version}`, 3, ratio));
    }
  } finally {
    for (const folder of [...Object.values(filled), folders.there]) rmSync(folder, { recursive: true, force: true });
  }
  return goals;
}
