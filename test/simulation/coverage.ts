import { nameOf, openErrors } from './d1-errors';
import type { Hardship, Hardships } from './hardships';

/** How often each kind of fault met each step of the protocols, and how often each limit was reached. */
export class Coverage {
  readonly cells = new Map<string, Map<string, number>>();

  count(kind: string, step: string, times = 1): void {
    let row = this.cells.get(kind);
    if (!row) {
      row = new Map();
      this.cells.set(kind, row);
    }
    row.set(step, (row.get(step) ?? 0) + times);
  }

  add(other: Coverage): void {
    for (const [kind, row] of other.cells) for (const [step, times] of row) this.count(kind, step, times);
  }

  of(kind: string, step: string): number {
    return this.cells.get(kind)?.get(step) ?? 0;
  }

  /** One line for each kind: the kind, and how often it met each step. */
  describe(): string {
    const lines = [...this.cells].sort().map(([kind, row]) => {
      const steps = [...row].sort().map(([step, times]) => (step ? `${step} ${times}` : `${times}`));
      return `${kind}: ${steps.join(', ')}`;
    });
    return lines.join('\n');
  }
}

const d1Steps = [
  'commit',
  'claim keys',
  'confirm keys',
  'claim deliveries',
  'complete deliveries',
  'record failure',
  'put off',
  'take due deliveries',
  'give back deliveries',
  'mark keys',
  'save rebuild',
  'save reconciler',
  'take mark',
  'record mark',
  'other (request)',
  'other (schedule)',
];
/** In an outage these cannot come: the step before them fails already. */
const laterSteps = ['mark keys', 'save rebuild', 'save reconciler', 'record mark', 'give back deliveries'];
const sends = ['send to projections', 'send to emails', 'send to rebuilds'];
const messages = ['projections', 'emails', 'rebuilds'];

/** What a search of many seeds must have met. A cell that stays empty would mean that the search tests less than it says. */
const expected: readonly (readonly [Hardship, kinds: readonly string[], steps: readonly string[]])[] = [
  ['faults', ['D1 fails before the batch', 'D1 applies the batch, and the answer is lost'], d1Steps],
  ['faults', ['a commit fails before the write', 'a commit fails after the write'], openErrors.map(nameOf)],
  ['stalls', ['D1 takes up a call late', 'D1 answers late', 'D1 never answers'], ['commit', 'other (read)']],
  ['deaths', ['the process dies before the effect', 'the process dies, the effect happens'], d1Steps],
  [
    'outages',
    ['outage'],
    [...d1Steps.filter((step) => !laterSteps.includes(step)), 'put', 'get (read)', ...sends, 'send e-mail'],
  ],
  ['replicas', ['D1 answers from an old replica'], ['other (request)', 'other (read)']],
  [
    'faults',
    ['KV refuses a write (429)', 'KV fails a write, which lands later', 'KV loses a write'],
    ['put', 'delete'],
  ],
  ['faults', ['KV fails a read'], ['get (read)', 'get (schedule)']],
  ['faults', ['KV serves an old value'], ['read']],
  ['faults', ['a queue refuses a send', 'a queue takes a send, and the answer is lost'], sends],
  ['faults', ['a queue loses a message', 'a queue duplicates a message', 'a message is late'], messages],
  ['faults', ['a message moves to the dead letters'], ['projections', 'emails']],
  ['faults', ['a dead letter arrives again minutes later'], ['projections', 'emails']],
  ['deaths', ['the process dies before the effect', 'the process dies, the effect happens'], ['put', 'send e-mail']],
  ['late-messages', ['messages of a dead consumer come back late'], ['projections', 'emails']],
  ['slow-mail', ['the provider is slow'], ['send e-mail']],
  ['lying-mail', ['the provider accepts, and the sender gets an error'], ['send e-mail']],
  ['refusing-mail', ['the provider refuses for good', 'the provider always says later'], ['send e-mail']],
  ['outages', ['the schedule is paused'], ['']],
  ['versions', ['deployment'], ['roll-forward', 'rollback', 'roll-forward to a half', 'rollback to a half']],
  ['versions', ['a version removes a document of another shape'], ['projections', 'schedule', 'rebuilds']],
  ['versions', ['a shape misses an event'], ['']],
  ['new-events', ['a version cannot read an event'], ['message.failed', 'rebuild.failed']],
  ['new-events', ['a rolled back version waits for an event that it cannot read'], ['']],
  ['faults', ['a command finds its access document busy'], ['']],
  ['restores', ['D1 is restored'], ['']],
  ['late-epoch', ['EPOCH changes some time after the restore'], ['']],
  ['late-epoch', ['a process works on a restored database with the old EPOCH'], ['request', 'read', 'projections']],
  ['defects', ['the code fails on a document'], ['no query', 'refused query', 'no document']],
  ['defects', ['a row of D1 becomes unreadable'], ['events', 'orders']],
  ['defects', ['a delivery is dead', 'a dead letter is replayed', 'a dead letter is discarded'], ['projections']],
  ['defects', ['a rebuild leaves out a failing key'], ['']],
  ['defects', ['the log has an error'], ['reconciler.failed', 'dead-letter.stored']],
  [
    'small-limits',
    ['limit reached'],
    [
      'firstPageSize',
      'keysPerBatch',
      'keysPerInvocation',
      'eventsPerRebuildStep',
      'keysPerRebuildStep',
      'orphansPerRebuildStep',
      'keysPerReconcilerSlice',
      'documentsPerReconcilerSlice',
      'pendingEventsPerReconcilerRun',
      'obsoleteDocumentsPerRun',
      'deliveriesPerRelayRound',
      'relayRoundsPerRun',
      'keysToRecheckPerRun',
      'messagesPerSend',
      'bytesPerParameter',
      'deadLettersPerCommand',
      'expiredRowsPerSlice',
    ],
  ],
];

/** The cells that a search with these hardships has not met. */
export function findMissing(coverage: Coverage, hardships: Hardships): string[] {
  return expected.flatMap(([hardship, kinds, steps]) =>
    hardships.has(hardship)
      ? kinds.flatMap((kind) => steps.filter((step) => coverage.of(kind, step) === 0).map((step) => `${kind}: ${step}`))
      : [],
  );
}

/** The cells that some hundred histories may miss by chance; a thousand meet them. */
const rare =
  /: (?:mark keys|claim deliveries|save rebuild|give back deliveries|put off|obsoleteDocumentsPerRun|keysPerRebuildStep|orphansPerRebuildStep|keysToRecheckPerRun|deadLettersPerCommand|bytesPerParameter|rollback to a half|rebuild\.failed)$/;

export function isRare(cell: string): boolean {
  return rare.test(cell);
}
