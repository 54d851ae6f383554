import type { Release } from './history';

/** An error that the world made: it says nothing about the code. A process receives it as its own code wraps it. */
export class SimulatedFault extends Error {}

/** One invocation of the Worker. It can die between any two awaits; a dead process receives no result any more. */
export interface Process {
  name: string;
  id: number;
  dead: boolean;
  /** Where the process runs: KV has a cache for each location, and each has its own nearest replica. */
  location: number;
  /** How far the clock of the process is ahead, in milliseconds. */
  clockOffset: number;
  /** The version of the code that the process runs. */
  release: Release;
  epoch: string;
  /** How many operations of each service the process has begun; an invocation has a budget. */
  operations: Record<string, number>;
  /** How many of its operations on D1 failed because of the world. */
  d1Failures: number;
  /** Whether the process has answered its request; what it does after that delays nobody. */
  isAnswered: boolean;
  /** What the process gave to `waitUntil`: the process lives until this work has ended too. */
  background: Promise<unknown>[];
  onDeath?(): void;
}
