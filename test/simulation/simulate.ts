import type { View } from '../../src/cqrs/reading/view';
import type { Coverage } from './coverage';
import { checkDocuments, checkRebuilt, type Ordeal } from './documents';
import { chooseHardships, type Hardship, type Hardships, hardshipsOf } from './hardships';
import type { Clients, Release } from './history';
import { seedIds } from './ids';
import { chooseLimits, useRealLimits } from './limits';
import { SimulatedPlatform } from './platform';
import { queueNames, shortName } from './queues';
import { loadReleases } from './releases';
import { type Behaviours, behavioursWithout } from './shop/behaviours';
import { createShop } from './shop/clients';
import { describeCause } from './trace';
import { InvariantViolation } from './violation';
import { World } from './world';

export interface Report {
  seed: number;
  coverage: Coverage;
  /** Figures of the history, such as how many events it has. */
  figures: Readonly<Record<string, number>>;
}

/** How many steps the traffic of a history has. */
const stepCount = 400;
/** How long the work may take after the last fault. The relay waits an hour at most before it tries something again. */
const recoveryMs = 3 * 3_600_000;
/** Longer than a refresh token is valid. */
const monthMs = 31 * 24 * 3_600_000;
const cron = { minute: '* * * * *', hour: '0 * * * *' };

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
  const simulation = new Simulation(world, await loadReleases(), behaviours);
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

/** Work that is left, and when it is due. */
type Unfinished = { what: string; which: string; due: number };

/** Something that happens once in a history, at a step of the traffic. */
interface Turn {
  at: number;
  run(): void;
}

class Simulation {
  readonly #platform: SimulatedPlatform;
  readonly #clients: Clients;
  #isScheduleOn = true;
  #nextTick: number;
  #usesReconciler: boolean;
  #wasRestored = false;
  #wasCorrupted = false;
  /** The name of a view whose values in KV were destroyed. */
  #damaged: string | undefined;
  /** The longest time that passes at once in the traffic. */
  readonly #longestMs: number;

  constructor(
    readonly world: World,
    releases: readonly [Release, Release],
    behaviours: Behaviours,
  ) {
    this.#platform = new SimulatedPlatform(world, releases);
    this.#clients = createShop(behaviours)(this.#platform);
    this.#nextTick = world.now + 60_000;
    this.#usesReconciler = world.chance(0.7);
    this.#longestMs = world.pick([35_000, 35_000, 35_000, 300_000]) ?? 35_000;
  }

  close(): void {
    this.#platform.close();
  }

  /** The version that runs alone after the traffic. */
  get #current(): Release {
    const { releases, shareOfSecond } = this.#platform;
    return releases[shareOfSecond < 0.5 ? 0 : 1];
  }

  async run(): Promise<Report> {
    const { world } = this;
    world.hasFaults = false;
    chooseLimits(this.#platform);
    world.trace?.('PHASE', `set-up of seed ${world.seed}`);
    await this.#untilDone(this.#clients.setUp());
    world.hasFaults = true;
    world.trace?.('PHASE', 'traffic with faults');
    await this.#runTraffic();
    world.trace?.('PHASE', 'recovery without faults');
    await this.#recover();
    await this.#readAtRest();
    world.trace?.('PHASE', 'checks');
    if (world.hardships.has('contents')) await this.#clients.check();
    await this.#checkRebuild();
    if (world.chance(0.1)) await this.#checkExpiry();
    return this.#report();
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
      const process = this.#platform.createProcess('schedule');
      world.spawn(process, () => process.release.runSchedule(this.#platform.compose(process), cron.hour));
      await world.drain();
      if (countLeft() < left) continue;
      const expected = 'each run of the schedule removes expired rows, until none is left';
      throw new InvariantViolation(world.seed, { expected, found: `${left} rows are left` });
    }
  }

  #report(): Report {
    const { emails, d1 } = this.#platform;
    const missed = d1.query('SELECT 1 FROM shapes WHERE missed > 0').length;
    if (missed > 0) this.world.coverage.count('a shape misses an event', '', missed);
    const events = Number(d1.query<{ n: number }>('SELECT count(*) AS n FROM events')[0]?.n);
    const figures = { ...this.#clients.figures(), events, 'e-mails': emails.length };
    return { seed: this.world.seed, coverage: this.world.coverage, figures };
  }

  /** Runs everything to its end, for work that a promise stands for. */
  async #untilDone(work: Promise<unknown>): Promise<void> {
    let failure: unknown;
    work.catch((error) => {
      failure = error;
    });
    await this.world.drain();
    if (failure) throw failure;
  }

  /** Commands, reads, consumers, deaths and the schedule at the same time, in an order that chance decides. */
  async #runTraffic(): Promise<void> {
    const { world } = this;
    const turns = this.#planTurns();
    // In a calm history the Worker keeps up with the commands, so that marks advance and old tokens are read from KV.
    const isCalm = world.chance(0.4);
    const [operations, delivered] = isCalm ? [6, 0.86] : [1, 0.8];
    for (let step = 0; step < stepCount; step++) {
      for (const turn of turns) if (turn.at === step) turn.run();
      const dice = world.random();
      if (world.isBusy && (dice < 0.58 || world.isCrowded)) {
        for (let left = operations; left > 0 && world.isBusy; left--) await world.performOne();
      } else if (dice < 0.67) await world.advance(world.between(1, 600));
      else if (dice < 0.695)
        await world.advance(
          world.between(1_000, world.hasOutage ? Math.max(120_000, this.#longestMs) : this.#longestMs),
        );
      else if (dice < delivered) this.#platform.queues.deliver();
      else if (dice < 0.94) this.#clients.act();
      else if (dice < 0.955) this.#crash();
      else this.#tick();
    }
  }

  /** Chooses what happens once in this history, and when: outages, deployments, a restore, corruption. */
  #planTurns(): Turn[] {
    const { world } = this;
    const turns: Turn[] = [];
    const at = (low: number, high: number) => world.between(Math.floor(stepCount * low), Math.floor(stepCount * high));
    const plan = (hardship: Hardship, probability: number, add: () => Turn[]) => {
      const isChosen = world.chance(probability);
      if (isChosen && world.isHard(hardship)) turns.push(...add());
    };
    plan('outages', 0.4, () => [{ at: at(0.1, 0.9), run: () => this.#startOutage() }]);
    plan('outages', 0.2, () => [{ at: at(0.1, 0.9), run: () => this.#startOutage() }]);
    plan('outages', 0.5, () => [{ at: at(0.1, 0.9), run: () => this.#pauseSchedule() }]);
    plan('faults', 0.6, () => [{ at: at(0.15, 0.6), run: () => this.#startRebuild() }]);
    plan('corruption', 0.5, () => [
      { at: at(0.15, 0.4), run: () => this.#corrupt() },
      { at: at(0.3, 0.7), run: () => this.#corrupt() },
      { at: at(0.5, 0.95), run: () => this.#corrupt() },
    ]);
    plan('restores', 0.15, () => [{ at: at(0.4, 0.9), run: () => this.#restore() }]);
    plan('versions', 0.3, () => {
      const [first, second, third] = [at(0.1, 0.4), at(0.4, 0.65), at(0.65, 0.95)];
      const last = world.pick([0, 0, 1, 1]) ?? 1;
      return [
        { at: first, run: () => this.#deploy(world.chance(0.5) ? 0.5 : 1) },
        { at: second, run: () => this.#deploy(world.pick([0, 0.5, 1]) ?? 1) },
        { at: third, run: () => this.#deploy(last) },
      ];
    });
    return turns;
  }

  #startOutage(): void {
    const { world } = this;
    const service = world.pick(['d1', 'kv', 'mail', ...queueNames.map(shortName)]) ?? 'd1';
    world.startOutage(service, world.between(60_000, 1_200_000));
  }

  /** The operator starts a rebuild in the middle of the faults; where the answer is lost, nobody asks again. */
  #startRebuild(): void {
    const view = this.#chooseView()?.name ?? '';
    this.world.note('a rebuild starts', view);
    this.#clients.operator.startRebuild(view).catch((error) => this.world.trace?.('operator', describeCause(error)));
  }

  /** The view that an operator rebuilds: often one whose documents were damaged. */
  #chooseView(): View | undefined {
    const { views } = this.#current;
    const damaged = this.world.chance(0.7) ? views.find(({ name }) => name === this.#damaged) : undefined;
    return damaged ?? this.world.pick(views);
  }

  #pauseSchedule(): void {
    const { world } = this;
    this.#isScheduleOn = false;
    world.note('the schedule is paused');
    world.after(world.between(60_000, 240_000), () => {
      this.#isScheduleOn = true;
      world.trace?.('schedule', 'continues');
    });
  }

  #corrupt(): void {
    if (!this.#usesReconciler) return;
    const key = this.#platform.kv.corrupt();
    if (key === undefined) return;
    this.#wasCorrupted = true;
    // The schedule is due soon, so that the reconciler meets the damage while there are faults.
    this.#nextTick = Math.min(this.#nextTick, this.world.now);
    [this.#damaged = key] = key.split('@');
    this.world.note('a value in KV is destroyed', this.#damaged);
  }

  #deploy(shareOfSecond: number): void {
    if (shareOfSecond === this.#platform.shareOfSecond) return;
    const kind = shareOfSecond > this.#platform.shareOfSecond ? 'roll-forward' : 'rollback';
    this.#platform.deploy(shareOfSecond);
    this.world.note('deployment', shareOfSecond % 1 === 0 ? kind : `${kind} to a half`);
  }

  /** Time Travel to an earlier moment, and a new `EPOCH`. Everything else goes on. */
  #restore(): void {
    const { world } = this;
    const moment = world.between(Math.floor(this.#platform.d1.moment / 2), this.#platform.d1.moment);
    const position = this.#platform.restore(moment);
    world.note('D1 is restored');
    world.trace?.('operator', `restored D1 to position ${position} and set EPOCH to ${this.#platform.epoch}`);
    this.#wasRestored = true;
    this.#usesReconciler = true;
    this.#clients.restored({ position, epoch: this.#platform.epoch, at: world.now });
  }

  #crash(): void {
    const process = this.world.pick([...this.world.processes]);
    if (process && this.world.fault('deaths', 'a process dies', 1, process.name)) this.world.kill(process);
  }

  #tick(): void {
    if (!this.#isScheduleOn || this.world.now < this.#nextTick) return;
    this.#nextTick = this.world.now + 60_000;
    const process = this.#platform.createProcess('schedule');
    this.world.spawn(process, async () => {
      const services = this.#platform.compose(process);
      const nothing = async () => ({ checked: 0, repaired: 0 });
      if (!this.#usesReconciler) services.reconcileNextSlice = nothing as unknown as typeof services.reconcileNextSlice;
      this.world.trace?.(process, `runs the minute's tasks${this.#usesReconciler ? '' : ' without the reconciler'}`);
      await process.release.runSchedule(services, cron.minute);
      if (!this.world.chance(0.1)) return;
      this.world.trace?.(process, "runs the hour's tasks");
      await process.release.runSchedule(services, cron.hour);
    });
  }

  /** Ends the faults, and runs the system until no work is left. */
  async #recover(): Promise<void> {
    const { world } = this;
    world.hasFaults = false;
    this.#isScheduleOn = true;
    await this.#finish();
    if (this.#wasRestored) await this.#followRestore();
    if (!this.#wasRestored && !this.#wasCorrupted && !this.#hasFloors) return;
    // The reconciler leaves out what was written in the last minutes, and then walks through everything twice.
    useRealLimits(this.#platform);
    await world.advance(180_000);
    for (let run = 0; run < 6; run++) {
      await world.advance(60_000);
      this.#tick();
      await world.drain();
    }
    await this.#finish();
  }

  /** Whether documents of a shape have missed an event, so that no reader takes them. */
  get #hasFloors(): boolean {
    return this.#platform.d1.query('SELECT 1 FROM shapes WHERE missed > 0 LIMIT 1').length > 0;
  }

  async #finish(): Promise<void> {
    const { world } = this;
    const { queues } = this.#platform;
    const begun = world.now;
    for (let round = 1; ; round++) {
      await world.drain();
      this.#tick();
      await world.drain();
      while (queues.deliver()) await world.drain();
      this.#checkDeadLetters();
      const unfinished = this.#findUnfinished();
      if (queues.isEmpty && unfinished.length === 0) return;
      if (world.now - begun > recoveryMs) {
        const found = `this work is left: ${JSON.stringify(unfinished.slice(0, 10))}`;
        throw new InvariantViolation(world.seed, {
          expected: 'all work ends within three hours after the last fault',
          found,
        });
      }
      // The first rounds have the small limits; more of them would show nothing new.
      if (round === 3) useRealLimits(this.#platform);
      if (round % 20 === 0) await this.#untilDone(this.#clients.operator.replayDeadLetters());
      await world.advance(Math.max(1_000, this.#nextWorkAt(unfinished) - world.now));
    }
  }

  /** When something can happen next: a message becomes visible, or the schedule finds work that is due. */
  #nextWorkAt(unfinished: readonly Unfinished[]): number {
    const { queues } = this.#platform;
    const due = Math.min(...unfinished.map(({ due }) => due));
    return Math.min(queues.nextVisibleAt, this.world.nextTimerAt, Math.max(due, this.#nextTick));
  }

  /** The work that is left, as D1 sees it, and when the schedule takes care of it. */
  #findUnfinished(): Unfinished[] {
    return this.#platform.d1.query<Unfinished>(`
      SELECT 'delivery' AS what, subscription || ' ' || position || ' ' || status AS which, available_at AS due
      FROM deliveries
      UNION ALL SELECT 'claim', view || ':' || key, claimed_until FROM projections WHERE claimed_by IS NOT NULL
      UNION ALL SELECT 'recheck', view || ':' || key, recheck_at FROM projections WHERE recheck_at IS NOT NULL
      UNION ALL SELECT 'rebuild', view, progressed_at + 60000 FROM rebuilds WHERE status = 'running'`);
  }

  /** Checks that nobody has to replay what only met a platform that was away. */
  #checkDeadLetters(): void {
    const { d1, hardships, mail } = this.#platform;
    if (!hardships.has('dead-letters')) return;
    const dead = d1.query<{ id: string; which: string; error: string | null }>(`
      SELECT events.id, subscription || ' ' || position AS which, last_error AS error
      FROM deliveries JOIN events USING (position) WHERE status = 'dead'`);
    const { unclearSendsPerEmail } = this.#current.limits;
    const wrong = dead.find(({ id }) => !mail.isHopeless(id, unclearSendsPerEmail));
    if (!wrong) return;
    const expected =
      'only a delivery that failed by its own fault is dead: an e-mail that was refused for good, or never clearly answered';
    throw new InvariantViolation(this.world.seed, { expected, found: `${wrong.which} is dead: ${wrong.error}` });
  }

  /** What docs/operations.md asks an operator to do after a restore. */
  async #followRestore(): Promise<void> {
    await this.#untilDone(this.#clients.operator.deleteAccountsAgain());
    for (const { name } of this.#current.views) await this.#untilDone(this.#clients.operator.startRebuild(name));
    await this.#finish();
  }

  /** Lets the newest mark become old enough for every token, and reads. */
  async #readAtRest(): Promise<void> {
    const { world } = this;
    await this.#untilDone(this.#clients.operator.signIn());
    await this.#finish();
    for (let minute = 0; minute < 3; minute++) {
      await world.advance(60_000);
      this.#tick();
      await world.drain();
    }
    world.trace?.('PHASE', 'reads at rest');
    await this.#untilDone(this.#clients.readAtRest(this.#hasFloors && !this.#usesReconciler));
  }

  /** Checks the documents, then that a rebuilt view equals the view before, and that replayed events send no e-mail. */
  async #checkRebuild(): Promise<void> {
    const { world } = this;
    const { kv, emails } = this.#platform;
    const current = this.#current;
    const ordeal: Ordeal = { hasVersions: this.#platform.hasVersions, hasReconciler: this.#usesReconciler };
    const erased = world.hardships.has('contents') ? this.#clients.erasedTexts() : [];
    await checkDocuments(this.#platform, current, ordeal, erased);
    const emailsBefore = emails.length;
    await world.advance(2_000);
    const view = this.#chooseView();
    if (!view) return;
    world.trace?.('PHASE', `rebuild of ${view.name}, whose documents are deleted from KV`);
    for (const key of kv.stored.keys()) if (key.startsWith(`${view.id}:`)) kv.stored.delete(key);
    await this.#untilDone(this.#clients.operator.startRebuild(view.name));
    await this.#finish();
    const served = await checkDocuments(this.#platform, current, ordeal, erased);
    await checkRebuilt(this.#platform, current, view, served);
    if (emails.length === emailsBefore) return;
    const found = `${emails.length - emailsBefore} e-mails`;
    throw new InvariantViolation(world.seed, { expected: 'a rebuild sends no e-mail', found });
  }
}
