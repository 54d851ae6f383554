/**
 * What the world does to the system, and what it insists on, by name. `npm run simulate -- --without NAME` turns one off, so that a defect can be
 * attributed to the hardship that shows it.
 */
const hardships = {
  faults: 'single calls fail: before or after they took effect',
  stalls: 'D1 takes up a call late, answers after up to 80 seconds, or never',
  deaths: 'processes die between any two steps',
  replicas: 'reads come from replicas that may be minutes behind, each with a lag of its own',
  'lost-bookmarks': 'a session learns a bookmark only from an answer that arrives',
  outages: 'D1, KV, one queue or the mail provider is away for minutes',
  'late-messages': 'messages of a dead consumer come back a quarter of an hour later',
  'slow-mail': 'the mail provider answers after up to 90 seconds',
  'lying-mail': 'the mail provider accepts an e-mail, and the sender gets an error',
  'refusing-mail': 'the mail provider refuses for good, or says "later" to one recipient for ever',
  clocks: 'the clocks of processes differ by up to five seconds each way',
  versions: 'two versions of the code run side by side, with a roll-forward and a rollback',
  'new-events': 'version 2 records events that version 1 cannot read: another type, and another schema version',
  'staff-sells': 'in each second history only agents and admins may sell',
  restores: 'D1 goes back to an earlier point in the middle of everything',
  'late-epoch': 'the new EPOCH is deployed up to 90 seconds after the restore',
  corruption: 'a document in KV is replaced by text that is not JSON, or by an older document',
  defects: 'rows of D1 cannot be read, and code fails on single documents, until both are corrected',
  'small-limits': 'pages, slices, rounds and batches are so small that they are full',
  'platform-limits': 'D1, KV and queues refuse what is above their documented limits, and invocations have a budget',
  contents: 'the check compares answers, reads and the state at the end with the reference model',
  'dead-letters': 'the check demands that only a delivery that failed by its own fault is dead',
} as const;

export type Hardship = keyof typeof hardships;
export type Hardships = ReadonlySet<Hardship>;

/**
 * All hardships by name, or only some, except those that are turned off.
 * @throws Error for a name that does not exist
 */
export function chooseHardships(without: readonly string[] = [], only: readonly string[] = []): Hardships {
  const all = Object.keys(hardships) as Hardship[];
  const unknown = [...without, ...only].filter((name) => !all.includes(name as Hardship));
  if (unknown.length > 0) {
    throw new Error(`No hardship has the name ${unknown.join(', ')}: choose from ${all.join(', ')}.`);
  }
  const chosen = only.length === 0 ? all : all.filter((name) => only.includes(name));
  return new Set(chosen.filter((name) => !without.includes(name)));
}

/** With one of these, work that is due in seconds may take minutes. */
export const delaying: readonly Hardship[] = [
  ...([
    'faults',
    'stalls',
    'deaths',
    'outages',
    'versions',
    'restores',
    'corruption',
    'defects',
    'platform-limits',
  ] as const),
];

/** The hardships of a seed: each fifth has none that delays work, so that the check can demand that work is done in time. */
export function hardshipsOf(seed: number, hardships: Hardships): Hardships {
  return seed % 5 === 0 ? new Set([...hardships].filter((name) => !delaying.includes(name))) : hardships;
}
