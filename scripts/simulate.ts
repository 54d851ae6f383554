// Runs histories of the simulation: each seed makes one.
import { spawnSync } from 'node:child_process';
import { chooseHardships } from '../test/simulation/hardships';
import { isBehaviour } from '../test/simulation/shop/behaviours';
import { readOptions, readWholeNumber, refuse } from './command-line';

const usage = `npm run simulate -- [--seed N] [--seeds COUNT] [--trace] [--all] [--without NAME,NAME] [--only NAME,NAME]

  --seed N        runs the history of seed N (with --seeds: the first of them)
  --seeds COUNT   runs so many histories (1000)
  --trace         prints each step of the histories
  --all           goes on after a violation, and lists all of them
  --without NAME  turns hardships of the world or behaviours of the clients off; their names are in
                  test/simulation/hardships.ts and test/simulation/shop/behaviours.ts
  --only NAME     turns all other hardships off`;

const { values } = readOptions(usage, {
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    trace: { type: 'boolean' },
    all: { type: 'boolean' },
    without: { type: 'string' },
    only: { type: 'string' },
  },
});
const { seed = '1', seeds = values.seed === undefined ? '1000' : '1' } = values;
const env = {
  ...process.env,
  SEED: `${readWholeNumber('--seed', seed, usage)}`,
  SEEDS: `${readWholeNumber('--seeds', seeds, usage)}`,
  ...(values.trace ? { SIMULATION_TRACE: '1' } : {}),
  ...(values.all ? { SIMULATION_ALL: '1' } : {}),
  SIMULATION_WITHOUT: values.without ?? '',
  SIMULATION_ONLY: values.only ?? '',
};
try {
  const namesIn = (list = '') => list.split(',').filter(Boolean);
  chooseHardships(
    namesIn(values.without).filter((name) => !isBehaviour(name)),
    namesIn(values.only),
  );
} catch (error) {
  refuse(error, usage);
}
const args = ['run', '--project', 'simulation-0', 'test/simulation/simulation.test.ts'];
const { status } = spawnSync('vitest', args, { env, stdio: 'inherit' });
process.exitCode = status ?? 1;
