// Runs the simulation's histories: `npm run simulate -- --seed 42` one of them, `--seeds 10000` many.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { seed: { type: 'string' }, seeds: { type: 'string' } } });
const { seed = '1', seeds = values.seed === undefined ? '1000' : '1' } = values;
const env = { ...process.env, SEED: seed, SEEDS: seeds };
const { status } = spawnSync('vitest', ['run', '--project', 'simulation-0'], { env, stdio: 'inherit' });
process.exitCode = status ?? 1;
