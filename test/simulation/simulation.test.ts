import { expect, test } from 'vitest';
import { loadSimulation } from './bundle';

const { behavioursWithout, chooseHardships, Coverage, findMissing, InvariantViolation, isBehaviour, isRare, simulate } =
  await loadSimulation();

// The seeds are shared between two projects, so that two cores work on them; `npm run simulate` sets its own. So many
// histories take about 100 seconds on two cores that have nothing else to do.
const part = Number(process.env.SIMULATION_PART ?? 0);
const count = Number(process.env.SEEDS ?? 400);
const first = Number(process.env.SEED ?? 1 + part * count);
const namesIn = (list = '') => list.split(',').filter(Boolean);
const without = namesIn(process.env.SIMULATION_WITHOUT);
const isHardship = (name: string) => !isBehaviour(name);
const hardships = chooseHardships(without.filter(isHardship), namesIn(process.env.SIMULATION_ONLY));
const behaviours = behavioursWithout(without.filter(isBehaviour));
/** Goes on after a violation, and lists all of them. */
const keepGoing = process.env.SIMULATION_ALL === '1';
// vitest lets each error keep 100 frames. A history throws thousands of errors that belong to it.
Error.stackTraceLimit = 10;
/** vitest's console would print a heading before each line. */
const write = (line: string) => process.stdout.write(`${line}\n`);
const print = process.env.SIMULATION_TRACE === '1' ? write : undefined;

test(`every invariant holds in the histories of the seeds ${first} to ${first + count - 1}`, {
  timeout: 3_600_000,
}, async () => {
  const coverage = new Coverage();
  const figures: Record<string, number> = {};
  const violations: Error[] = [];
  const cpuBefore = process.cpuUsage();
  for (let seed = first; seed < first + count; seed++) {
    try {
      const report = await simulate(seed, print, hardships, behaviours);
      coverage.add(report.coverage);
      for (const [name, value] of Object.entries(report.figures)) figures[name] = (figures[name] ?? 0) + value;
    } catch (error) {
      if (!keepGoing || !(error instanceof InvariantViolation)) throw error;
      violations.push(error);
      write(`seed ${seed}: expected ${error.finding.expected}\n  found ${error.finding.found}`.slice(0, 600));
    }
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  write(coverage.describe());
  write(`${count} histories, ${Math.round((user + system) / 1000 / count)} ms of CPU each: ${JSON.stringify(figures)}`);
  const missing = findMissing(coverage, hardships);
  if (missing.length > 0) write(`never met: ${missing.join('; ')}`);
  expect(violations.map(({ message }) => message)).toEqual([]);
  // With fewer seeds something may be missing by chance. 700 seeds meet each cell, the rarest of them twice.
  if (count >= 400) expect(missing.filter((cell) => count >= 1000 || !isRare(cell))).toEqual([]);
});
