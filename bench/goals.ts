/** What a benchmark was to reach, and what it reached. */
export interface Goal {
  /** What was measured, in words: `public read, of the bare Worker`. */
  name: string;
  /** The goal, as a person reads it: `at least 0.9`. */
  goal: string;
  /** The measured figure, as a person reads it. */
  figure: string;
  isMet: boolean;
}

/** A goal for a figure that is to be large, such as a share of what the bare Worker answers. */
export function atLeast(name: string, limit: number, figure: number): Goal {
  return { name, goal: `at least ${limit}`, figure: figure.toFixed(2), isMet: figure >= limit };
}

/** A goal for a figure that is to be small, such as the rows that a command writes. */
export function atMost(name: string, limit: number, figure: number): Goal {
  return { name, goal: `at most ${limit}`, figure: String(Math.round(figure * 10) / 10), isMet: figure <= limit };
}

/** Prints each goal beside its figure. */
export function printGoals(goals: readonly Goal[]): void {
  if (goals.length === 0) return;
  console.table(Object.fromEntries(goals.map(({ name, isMet, ...rest }) => [name, { ...rest, met: isMet }])));
}
