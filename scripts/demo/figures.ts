// What the demo measures: how long its commands took, how far the read models are, and who answers reads.
import { type Client, ProblemError } from '../../src/client';
import { watermarkTimes } from '../../src/cqrs/reading/watermark';
import { percentile } from '../measures';
import { formatTable } from '../table';

/** How long each kind of command took, and how often it was refused. */
type Done = Map<string, { ms: number[]; refused: number }>;

/** Makes `act`, which carries out a command and records how long it took. */
export function createRecord() {
  const done: Done = new Map();
  /**
   * Returns the command's answer; a conflict (409) belongs to a shop's day, and is undefined.
   * @param listener.refused gets a conflict
   */
  async function act<Answer>(
    name: string,
    command: () => Promise<{ json(): Promise<Answer> }>,
    listener: { refused?(error: ProblemError): void } = {},
  ): Promise<{ answer: Answer } | undefined> {
    const noted = done.get(name) ?? { ms: [], refused: 0 };
    done.set(name, noted);
    const start = performance.now();
    try {
      const response = await command();
      noted.ms.push(performance.now() - start);
      return { answer: await response.json() };
    } catch (error) {
      if (!(error instanceof ProblemError && error.status === 409)) throw error;
      noted.refused++;
      listener.refused?.(error);
      return undefined;
    }
  }
  return { act, done };
}

/** The read models as the operations API reports them, after every event is projected. */
async function untilProjected(admin: Client) {
  for (;;) {
    const { data, position } = await (await admin.api.operations.projections.$get()).json();
    if (data.every(({ lagEvents }) => lagEvents === 0)) return { data, position };
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

const round = (figure: number) => Math.round(figure);

interface Readers {
  customers: readonly { id: string; client: Client }[];
  items: readonly string[];
}

/**
 * Reads what each customer can see, most of which the customer's newest command did not touch, and counts who answers.
 * The clients send the Consistency-Token of that command.
 */
async function countAnswers({ customers, items }: Readers) {
  const answers = { KV: 0, D1: 0 };
  for (const { id, client } of customers) {
    const { api } = client;
    const reads = [
      api.users.me.$get(),
      api.users[':id'].settings.$get({ param: { id } }),
      api.orders.$get({ query: {} }),
      api.tickets.$get({ query: {} }),
      ...items.map((itemId) => api.items[':id'].$get({ param: { id: itemId } })),
    ];
    for (const { headers } of await Promise.all(reads)) {
      answers[headers.get('Cache-Status') === 'KV; hit' ? 'KV' : 'D1']++;
    }
  }
  return [answers.KV, answers.D1, round((100 * answers.KV) / (answers.KV + answers.D1))] as const;
}

/** How long the answers of D1 last: the margin, and what the publication of the last mark may take. */
const waitSeconds = watermarkTimes.marginMs / 1000 + 10;

interface Day extends Readers {
  admin: Client;
  done: Done;
  /** Milliseconds from a command's response to KV. */
  lags: readonly number[];
  /** Whether to wait until KV can answer reads with a Consistency-Token. */
  wait: boolean;
}

/** Prints the figures of a day, when every event is projected. */
export async function reportFigures({ admin, done, lags, wait, ...readers }: Day): Promise<void> {
  const { data, position } = await untilProjected(admin);
  console.log('\nThe commands of the day (the refused ones are the conflicts told above)');
  console.log(
    formatTable(
      ['command', 'done', 'refused', 'p50 ms', 'p99 ms'],
      [...done].map(([name, { ms, refused }]) => [
        name,
        ms.length,
        refused,
        round(percentile(ms, 50)),
        round(percentile(ms, 99)),
      ]),
    ),
  );
  const keys = data.reduce((sum, row) => sum + row.keys, 0);
  console.log(`\nAll ${position} events are projected: ${data.length} read models with ${keys} documents.`);
  const lag = `p50 ${round(percentile(lags, 50))} ms, p99 ${round(percentile(lags, 99))} ms`;
  console.log(`From commit to KV: ${lag} (${lags.length} changes watched).`);
  console.log('\nWho answers reads that must be as new as the reader’s own last command');
  console.log(
    `For about ${waitSeconds} s after a command KV may still have something older somewhere in the world. So a reader with a
Consistency-Token gets from KV only what is certainly new enough, and the rest from D1.\n`,
  );
  const answers = [['right after the day', ...(await countAnswers(readers))]];
  if (wait) {
    console.log(`(waiting for ${waitSeconds} s)`);
    await new Promise((resolve) => setTimeout(resolve, waitSeconds * 1000));
    answers.push([`${waitSeconds} s later`, ...(await countAnswers(readers))]);
  }
  console.log(formatTable(['when', 'KV', 'D1', 'KV %'], answers));
  if (!wait) console.log('  (`npm run demo -- --wait` waits so long, and counts again)');
}
