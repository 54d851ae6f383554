import type { Caller } from '../../../src/access/caller';
import type { Queries } from '../../../src/domains';
import { isBrokenRow, isSimulatedDefect } from '../faulty-views';
import { type Invocation, NoResponse } from '../history';
import type { Process } from '../process';
import { describeCause } from '../trace';
import { InvariantViolation } from '../violation';
import { idsOf } from './exports';
import { readingOfFeed } from './feed';
import { inspectAtRest, readDecisionsAtRest } from './inspecting';
import type { Credential, HeldToken } from './knowledge';
import type { Notebook } from './notebook';
import { queryNames, type Reading, readers } from './queries';
import type { ReadRecord } from './record';
import { ExpiredToken, isRevoked } from './sender';
import { canonical } from './violate';

/** Reads, and notes every answer. */
export class Reader {
  constructor(readonly notebook: Notebook) {}

  /** Somebody reads something. */
  act(): void {
    const { notebook } = this;
    const name = notebook.choose(queryNames, readers);
    notebook.start((client) => this.readAll(client, name, notebook.shop.token()));
  }

  /** Reads, and where the answer is the first page of a list, also the pages after it. */
  async readAll(client: Process, name: keyof Queries, token: HeldToken | undefined): Promise<void> {
    const { notebook } = this;
    let current: Reading | undefined = notebook.isOn(readers[name]) ? readers[name].reading(notebook.shop) : undefined;
    while (current) {
      const { answer } = await this.query(client, name, current, token);
      const { lastId, cursor } = answer.kind === 'read' ? answer.answer : {};
      const hasNext = lastId !== undefined && cursor !== undefined && notebook.shop.world.chance(0.8);
      current = hasNext ? current.next?.(lastId, cursor) : undefined;
      if (current) notebook.count('pages after the first one');
    }
  }

  /** Reads once. */
  async query(
    client: Process,
    name: keyof Queries,
    reading: Reading,
    token: HeldToken | undefined,
  ): Promise<ReadRecord> {
    const { notebook } = this;
    const { log, platform } = notebook;
    const { world } = platform;
    const span = { segment: log.segment, from: log.observe(), sentAt: world.now };
    const about = { name, reading, token, isTokenCurrent: false, isEpochCurrent: true };
    const read: ReadRecord = { ...span, ...about, answer: { kind: 'failed' } };
    notebook.reads.push(read);
    const with_ = token ? ` with the token of position ${token.position}` : '';
    world.trace?.(client, `reads ${reading.what}${with_}`);
    let invoked: Invocation | undefined;
    try {
      const answer = await platform.request('read', client, async (invocation) => {
        invoked = invocation;
        const { by } = reading;
        if (by && by.expiresAt <= invocation.services.clock.now()) throw new ExpiredToken();
        read.isTokenCurrent = token?.epoch === invocation.epoch;
        read.isEpochCurrent = invocation.epoch === log.current.epoch;
        const caller = by?.caller as Caller | undefined;
        const bound = { caller: () => caller, token: () => token && { ...token } };
        return reading.run(invocation.release.limitQueries(caller, invocation.services.bindQueries(bound)));
      });
      read.answer = { kind: 'read', answer };
    } catch (error) {
      read.answer = answerOf(name, error, invoked);
    }
    notebook.end(read);
    const { answer } = read;
    reading.learn?.(answer, log);
    world.trace?.(client, `read ${reading.what}: ${JSON.stringify(answer)}`);
    this.#count(name, read, token);
    if (answer.kind === 'refused' && isRevoked(answer.code) && reading.by) reading.by.isRefused = true;
    return read;
  }

  #count(name: keyof Queries, { answer }: ReadRecord, token: HeldToken | undefined): void {
    const { notebook } = this;
    notebook.count(answer.kind === 'read' ? `query: ${name}` : `reads ${answer.kind}`);
    const freshness = answer.kind === 'read' ? answer.answer.freshness : undefined;
    const source = freshness?.source;
    if (!token || !source) return;
    notebook.count('reads with a token');
    if (notebook.platform.world.now - token.at < 90_000) return;
    notebook.count('reads with a token older than 90 s');
    if (source === 'kv') notebook.count('of these answered by KV');
    else notebook.count(`of these answered by D1: ${freshness?.forwarded}`);
  }

  /**
   * The consumer of the feed goes on to the end of the log, and somebody exports the tables. A replica may be behind for a while.
   * @throws InvariantViolation when the consumer does not have every event once and in order, or an export differs from its table
   */
  async followAtRest(by: Credential): Promise<void> {
    const { notebook } = this;
    const { platform, shop } = notebook;
    if (notebook.behaviours.has('feed')) {
      const hasAll = () =>
        canonical(shop.feed.seen) === canonical(platform.d1.query('SELECT position, id FROM events ORDER BY position'));
      await this.#untilAtRest('the consumer of the feed has every event once and in order', async (client) => {
        const reading = readingOfFeed(by, { checkpoint: shop.feed.checkpoint, limit: 50, wait: 0 }, shop.feed);
        await this.query(client, 'ReadEvents', reading, undefined);
        return hasAll();
      });
    }
    if (notebook.behaviours.has('operator-reads')) {
      await inspectAtRest(notebook, by);
      await readDecisionsAtRest(notebook, by);
    }
    if (!notebook.behaviours.has('exports')) return;
    for (const [name, table] of [
      ['ExportOrders', 'orders'],
      ['ExportTickets', 'tickets'],
    ] as const) {
      const inTable = () =>
        platform.d1.query<{ id: string }>(`SELECT id FROM ${table} ORDER BY id`).map(({ id }) => id);
      await this.#untilAtRest(`${name} has the rows of its table`, (client) =>
        platform.request('read', client, async ({ services }) => {
          const queries = services.bindQueries({ caller: () => by.caller as Caller, token: () => undefined });
          return canonical(await idsOf(queries, name)) === canonical(inTable());
        }),
      );
    }
  }

  /** Tries something again until it is so. @throws InvariantViolation */
  async #untilAtRest(expected: string, isSo: (client: Process) => Promise<boolean>): Promise<void> {
    const { notebook } = this;
    for (let left = 60; left > 0; left--) {
      const done = new Promise<boolean>((resolve) => notebook.start(async (client) => resolve(await isSo(client))));
      if (await done) return;
    }
    throw new InvariantViolation(notebook.platform.world.seed, { expected, found: 'it is not so after many tries' });
  }

  /** Reads with tokens of commands, when all work has been done for more than a minute. @throws InvariantViolation */
  async readAtRest(hasFloors: boolean): Promise<void> {
    const { notebook } = this;
    const { platform, shop } = notebook;
    const tokens = shop.tokens.filter(({ epoch }) => epoch === platform.epoch);
    for (let left = 24; left > 0; left--) {
      const name = notebook.choose(queryNames, readers);
      const [reading, token] = [readers[name].reading(shop), platform.world.pick(tokens)];
      if (!reading || !token) continue;
      const { answer } = await new Promise<ReadRecord>((resolve) =>
        notebook.start(async (client) => resolve(await this.query(client, name, reading, token))),
      );
      const { forwarded, source } = (answer.kind === 'read' && answer.answer.freshness) || {};
      if (source) notebook.count('reads at rest with a token');
      if (source === 'kv') notebook.count('reads at rest with a token answered by KV');
      if (forwarded !== 'stale' || hasFloors) continue;
      throw new InvariantViolation(platform.world.seed, {
        expected: `KV answers the read of ${reading.what} with the token of position ${token.position}, because all work was done more than a minute ago`,
        found: 'the document in KV was too old, so D1 answered',
      });
    }
  }
}

/** Queries that operators need when the row of an event cannot be read; the others may fail on it. */
const indestructible: readonly (keyof Queries)[] = [
  'GetDeadLetter',
  'GetEvent',
  'GetMetrics',
  'GetProjectedKey',
  'GetRebuild',
  'GetSchedule',
  'ListDeadLetterGroups',
  'ListDeadLetters',
  'ListProjections',
  'ListQueues',
  'ListRebuilds',
  'ListRechecks',
  'ListWaitingDeliveries',
];

/** @throws the error of a query that no fault explains: it is a defect of the code */
function answerOf(name: keyof Queries, error: unknown, invoked: Invocation | undefined): ReadRecord['answer'] {
  if (error instanceof ExpiredToken || error instanceof NoResponse) return { kind: 'failed' };
  if (invoked?.release.isUnavailable(error)) return { kind: 'failed' };
  if (invoked?.release.isRefusal(error)) return { kind: 'refused', code: error.code };
  if (isBrokenRow(error) && indestructible.includes(name)) throw error;
  if (isSimulatedDefect(error)) return { kind: 'failed' };
  if (invoked?.release.isOfPlatform(error) || isPlatformError(error)) return { kind: 'failed' };
  throw error;
}

/** Whether D1, KV or a queue refused or failed; any other error of a query is a defect of the code. */
function isPlatformError(error: unknown): boolean {
  return /D1_|D1 |KV |Queue|Network|timed out|overloaded|limit/i.test(describeCause(error));
}
