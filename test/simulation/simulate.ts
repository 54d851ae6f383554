import type { Coverage } from './coverage';
import { checkDocuments, checkRebuilt, type Ordeal } from './documents';
import { chooseHardships, type Hardships, hardshipsOf } from './hardships';
import { Hazards } from './hazards';
import type { Clients, Release } from './history';
import { seedIds } from './ids';
import { chooseLimits } from './limits';
import { SimulatedPlatform } from './platform';
import { Recovery } from './recovery';
import { getReleases } from './releases';
import { Schedule } from './schedule';
import { type Behaviours, behavioursWithout } from './shop/behaviours';
import { createShop } from './shop/clients';
import { runTraffic } from './traffic';
import { InvariantViolation } from './violation';
import { World } from './world';

export interface Report {
  seed: number;
  coverage: Coverage;
  /** Figures of the history, such as how many events it has. */
  figures: Readonly<Record<string, number>>;
}

/** Longer than a refresh token is valid. */
const monthMs = 31 * 24 * 3_600_000;

/**
 * Runs the history of a seed: traffic with faults, then the recovery without faults, then the checks.
 * @param print receives each step of the history as a line; tracing is off without it
 * @throws InvariantViolation
 */
export async function simulate(
  seed: number,
  print?: (line: string) => unknown,
  hardships: Hardships = chooseHardships(),
  behaviours: Behaviours = behavioursWithout([]),
): Promise<Report> {
  const world = new World(seed, hardshipsOf(seed, hardships), print);
  const { first, second, withNewEvents } = getReleases();
  const hasNewEvents = world.chance(0.5) && world.hardships.has('new-events');
  const simulation = new Simulation(world, [first, hasNewEvents ? withNewEvents : second], behaviours);
  const { random } = Math;
  // The jitter of retries is part of the history.
  Math.random = world.random;
  seedIds(() => world.now, world.random);
  try {
    return await simulation.run();
  } catch (cause) {
    const error = {
      expected: 'the history runs to its end',
      found: cause instanceof Error ? `${cause.stack}` : `${cause}`,
    };
    const violation = cause instanceof InvariantViolation ? cause : new InvariantViolation(seed, error, { cause });
    const { expected, found } = violation.finding;
    world.trace?.('VIOLATION', `expected: ${expected}`);
    world.trace?.('VIOLATION', `found: ${found}`);
    throw violation;
  } finally {
    Math.random = random;
    simulation.close();
  }
}

class Simulation {
  readonly #platform: SimulatedPlatform;
  readonly #clients: Clients;
  readonly #schedule: Schedule;
  readonly #hazards: Hazards;
  readonly #recovery: Recovery;

  constructor(
    readonly world: World,
    releases: readonly [Release, Release],
    behaviours: Behaviours,
  ) {
    this.#platform = new SimulatedPlatform(world, releases);
    this.#clients = createShop(behaviours)(this.#platform);
    this.#schedule = new Schedule(this.#platform);
    this.#hazards = new Hazards(this.#platform, this.#clients, this.#schedule);
    this.#recovery = new Recovery(this.#platform, this.#clients, this.#schedule, this.#hazards);
  }

  close(): void {
    this.#platform.close();
  }

  async run(): Promise<Report> {
    const { world } = this;
    world.hasFaults = false;
    chooseLimits(this.#platform);
    world.trace?.('PHASE', `set-up of seed ${world.seed}`);
    await this.#recovery.untilDone(this.#clients.setUp());
    world.hasFaults = true;
    world.trace?.('PHASE', 'traffic with faults');
    await runTraffic(this.#platform, this.#clients, this.#schedule, this.#hazards);
    world.trace?.('PHASE', 'recovery without faults');
    await this.#recovery.run();
    await this.#readAtRest();
    world.trace?.('PHASE', 'checks');
    if (world.hardships.has('contents')) await this.#clients.check();
    await this.#checkRebuild();
    this.#platform.dataPoints.check();
    if (world.chance(0.1)) await this.#checkExpiry();
    return this.#report();
  }

  /** Lets the newest mark become old enough for every token, and reads. */
  async #readAtRest(): Promise<void> {
    const recovery = this.#recovery;
    await recovery.untilDone(this.#clients.repeatOpen());
    await recovery.untilDone(this.#clients.operator.signIn());
    // The schedule can end what has expired, such as the pending change of an address, and so make new work.
    do {
      await recovery.finish();
      for (let minute = 0; minute < 3; minute++) await recovery.runMinute();
    } while (recovery.hasWork);
    this.world.trace?.('PHASE', 'reads at rest');
    const hasFloors = recovery.hasFloors && !this.#schedule.usesReconciler;
    await recovery.untilDone(this.#clients.readAtRest(hasFloors));
  }

  /** Checks the documents, then that a rebuilt view equals the view before, and that replayed events send no e-mail. */
  async #checkRebuild(): Promise<void> {
    const { world } = this;
    const { kv, emails, current, hasVersions } = this.#platform;
    const ordeal: Ordeal = { hasVersions, hasReconciler: this.#schedule.usesReconciler };
    const erased = world.hardships.has('contents') ? this.#clients.erasedTexts() : [];
    await checkDocuments(this.#platform, current, ordeal, erased);
    const emailsBefore = emails.length;
    await world.advance(2_000);
    const view = this.#hazards.chooseView();
    if (!view) return;
    world.trace?.('PHASE', `rebuild of ${view.name}, whose documents are deleted from KV`);
    for (const key of kv.stored.keys()) if (key.startsWith(`${view.id}:`)) kv.stored.delete(key);
    await this.#recovery.untilDone(this.#clients.operator.startRebuild(view.name));
    await this.#recovery.finish();
    const served = await checkDocuments(this.#platform, current, ordeal, erased);
    await checkRebuilt(this.#platform, current, view, served);
    if (emails.length === emailsBefore) return;
    const found = `${emails.length - emailsBefore} e-mails`;
    throw new InvariantViolation(world.seed, { expected: 'a rebuild sends no e-mail', found });
  }

  /** Lets every credential and every stored response expire, and checks that the schedule removes all of them. */
  async #checkExpiry(): Promise<void> {
    const { world } = this;
    world.trace?.('PHASE', 'a month later');
    await world.advance(monthMs);
    const tables = ['idempotency_keys', 'refresh_tokens', 'password_resets', 'sessions'];
    const count = tables.map((table) => `(SELECT count(*) FROM ${table})`).join(' + ');
    const countLeft = () => Number(this.#platform.d1.query<{ n: number }>(`SELECT ${count} AS n`)[0]?.n);
    for (let left = countLeft(); left > 0; left = countLeft()) {
      await this.#schedule.runNow('minute');
      if (countLeft() < left) continue;
      const expected = 'each run of the schedule removes expired rows, until none is left';
      throw new InvariantViolation(world.seed, { expected, found: `${left} rows are left` });
    }
  }

  #report(): Report {
    const { emails, d1 } = this.#platform;
    const missed = d1.query('SELECT 1 FROM shapes WHERE missed > 0').length;
    const { coverage } = this.world;
    if (missed > 0) coverage.count('a shape misses an event', '', missed);
    const letters = d1.query<{ outcome: string; subscription: string }>('SELECT * FROM dead_letters');
    for (const { outcome, subscription } of letters) coverage.count(outcome, subscription);
    const failed = d1.query<{ view: string }>("SELECT view FROM rebuilds WHERE status = 'done' AND failed_keys > 0");
    if (failed.length > 0) coverage.count('a rebuild leaves out a failing key', '', failed.length);
    const events = Number(d1.query<{ n: number }>('SELECT count(*) AS n FROM events')[0]?.n);
    const figures = { ...this.#clients.figures(), events, 'e-mails': emails.length };
    return { seed: this.world.seed, coverage, figures };
  }
}
