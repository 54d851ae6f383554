import type { Hazards } from './hazards';
import type { Clients } from './history';
import { useRealLimits } from './limits';
import type { SimulatedPlatform } from './platform';
import type { Schedule } from './schedule';
import { InvariantViolation } from './violation';

/** How long the work may take after the last fault. The relay waits an hour at most before it tries something again. */
const recoveryMs = 3 * 3_600_000;

/** Work that is left, and when it is due. */
type Unfinished = { what: string; which: string; due: number };

/** The time after the faults: the system finishes its work, with an operator who follows docs/operations.md. */
export class Recovery {
  constructor(
    readonly platform: SimulatedPlatform,
    readonly clients: Clients,
    readonly schedule: Schedule,
    readonly hazards: Hazards,
  ) {}

  /** Ends the faults, and runs the system until no work is left. */
  async run(): Promise<void> {
    const { hazards, platform, schedule } = this;
    const { world } = platform;
    world.hasFaults = false;
    schedule.isOn = true;
    hazards.end();
    await this.#finishWhatCanEnd();
    await this.finish();
    // The pieces of an order that could not be read did not count, and the next comparisons count them again.
    if (platform.hadBrokenOrder) {
      useRealLimits(platform);
      for (let run = 0; run < 2; run++) await this.schedule.runNow('hour');
      await this.finish();
    }
    if (hazards.wasRestored) await this.#followRestore();
    else if (this.#hasDiscarded) await this.#followDiscard();
    if (!hazards.wasRestored && !hazards.wasCorrupted && !this.hasFloors) return;
    // The reconciler leaves out what was written in the last minutes, and then walks through everything twice.
    useRealLimits(platform);
    await world.advance(180_000);
    for (let run = 0; run < 6; run++) await this.runMinute();
    await this.finish();
  }

  /**
   * Runs the system until only the work is left that fails by its own fault, or that needs a newer version after a
   * rollback. Then the faults are corrected, and the newer version is deployed again.
   */
  async #finishWhatCanEnd(): Promise<void> {
    const { platform } = this;
    const { defects } = this.hazards;
    const { current } = platform;
    const hasDefects = defects.exist;
    const unread = platform.d1.query<{ position: number }>('SELECT position FROM deliveries ORDER BY position');
    const hasUnread = unread.some(({ position }) => platform.isUnreadable(current, position));
    if (hasUnread) platform.world.note('a rolled back version waits for an event that it cannot read');
    if (!hasDefects && !hasUnread) return this.#rollForward();
    await this.finish(({ what, which }) => {
      if (what === 'rebuild') return platform.hasUnreadable(current);
      // The rows of an order that cannot be read stop the erasure of their customer until they are corrected.
      if (what === 'erasure') return hasDefects;
      if (what !== 'delivery') return defects.concernDocument(which);
      const [subscription = '', text] = which.split(' ');
      const position = Number(text);
      return defects.concern({ subscription, position }) || platform.isUnreadable(current, position);
    });
    defects.correct();
    await this.untilDone(this.clients.operator.replayDeadLetters());
    this.#rollForward();
  }

  /** Deploys the newer version, if only that version can read the log. */
  #rollForward(): void {
    const { platform } = this;
    if (platform.hasUnreadable(platform.current)) platform.deploy(1);
  }

  /** Runs everything to its end, for work that a promise stands for. */
  async untilDone(work: Promise<unknown>): Promise<void> {
    let failure: unknown;
    work.catch((error) => {
      failure = error;
    });
    await this.platform.world.drain();
    if (failure) throw failure;
  }

  /** Lets a minute pass, with the minute's tasks at its end. */
  async runMinute(): Promise<void> {
    const { world } = this.platform;
    await world.advance(60_000);
    this.schedule.tick();
    await world.drain();
  }

  /** Whether work is left. */
  get hasWork(): boolean {
    return this.#findUnfinished().length > 0;
  }

  /** Whether documents of a shape have missed an event, so that no reader takes them. */
  get hasFloors(): boolean {
    return this.platform.d1.query('SELECT 1 FROM shapes WHERE missed > 0 LIMIT 1').length > 0;
  }

  /**
   * Runs the system until no work is left.
   * @param mayStay whether a piece of work need not end now
   * @throws InvariantViolation for work that does not end
   */
  async finish(mayStay: (work: Unfinished) => boolean = () => false): Promise<void> {
    const { platform, schedule } = this;
    const { queues, world } = platform;
    const begun = world.now;
    for (let round = 1; ; round++) {
      await world.drain();
      schedule.tick();
      await world.drain();
      while (queues.deliver()) await world.drain();
      this.#checkDeadLetters();
      const unfinished = this.#findUnfinished();
      const left = unfinished.filter((work) => !mayStay(work));
      if (left.length === 0 && (queues.isEmpty || unfinished.length > 0)) return;
      if (world.now - begun > recoveryMs) {
        const found = `this work is left: ${JSON.stringify(left.slice(0, 10))}`;
        const expected = 'all work ends within three hours after the last fault';
        throw new InvariantViolation(world.seed, { expected, found });
      }
      // The first rounds have the small limits; more of them would show nothing new.
      if (round === 3) useRealLimits(platform);
      if (round % 20 === 0) await this.untilDone(this.clients.operator.replayDeadLetters());
      await world.advance(Math.max(1_000, this.#nextWorkAt(unfinished) - world.now));
    }
  }

  /** When something can happen next: a message becomes visible, or the schedule finds work that is due. */
  #nextWorkAt(unfinished: readonly Unfinished[]): number {
    const { queues, world } = this.platform;
    const due = Math.min(...unfinished.map(({ due }) => due));
    return Math.min(queues.nextVisibleAt, world.nextTimerAt, Math.max(due, this.schedule.nextAt));
  }

  /**
   * The work that is left, as D1 sees it, and when the schedule takes care of it. A claim that ran out is none: the events
   * of its key are done, or still have deliveries.
   */
  #findUnfinished(): Unfinished[] {
    const { d1, world } = this.platform;
    const sql = `
      SELECT 'delivery' AS what, subscription || ' ' || position || ' ' || status AS which, available_at AS due
      FROM deliveries
      UNION ALL SELECT 'claim', view || ':' || key, claimed_until FROM projections
      WHERE claimed_by IS NOT NULL AND claimed_until > ?
      UNION ALL SELECT 'recheck', view || ':' || key, recheck_at FROM projections WHERE recheck_at IS NOT NULL
      UNION ALL SELECT 'rebuild', view, progressed_at + 60000 FROM rebuilds WHERE status = 'running'
      UNION ALL SELECT 'erasure', user_id, progressed_at + 60000 FROM erasures`;
    return d1.query<Unfinished>(sql, world.now);
  }

  /** Checks that nobody has to replay what only met a platform that was away. */
  #checkDeadLetters(): void {
    const { d1, hardships, mail, current, world } = this.platform;
    if (!hardships.has('dead-letters')) return;
    const dead = d1.query<{ id: string; subscription: string; position: number; error: string | null }>(`
      SELECT events.id, subscription, position, last_error AS error
      FROM deliveries JOIN events USING (position) WHERE status = 'dead'`);
    const { unclearSendsPerEmail } = current.limits;
    const { defects } = this.hazards;
    const wrong = dead.find((one) => !mail.isHopeless(one.id, unclearSendsPerEmail) && !defects.concern(one));
    if (!wrong) return;
    const expected =
      'only a delivery that failed by its own fault is dead: an e-mail that was refused for good, or never clearly answered, or one that met a defect';
    const found = `${wrong.subscription} ${wrong.position} is dead: ${wrong.error}`;
    throw new InvariantViolation(world.seed, { expected, found });
  }

  /** Whether somebody has discarded projections. */
  get #hasDiscarded(): boolean {
    const sql = "SELECT 1 FROM events WHERE type = 'DeadLettersDiscarded' AND data LIKE '%projections%' LIMIT 1";
    return this.platform.d1.query(sql).length > 0;
  }

  /** What docs/operations.md asks an operator to do who does not wait for the reconciler: the discarded events were missed. */
  async #followDiscard(): Promise<void> {
    const { current, d1 } = this.platform;
    // The row of a shape says what it has missed, from its first document on. A discard before that left out keys as well.
    const complete = new Set(
      d1
        .query<{ view: string }>(
          "SELECT view FROM shapes WHERE missed = 0 AND since < (SELECT min(position) FROM events WHERE type = 'DeadLettersDiscarded')",
        )
        .map(({ view }) => view),
    );
    const views = current.views.filter(({ id }) => !complete.has(id));
    for (const { name } of views) await this.untilDone(this.clients.operator.startRebuild(name));
    await this.finish();
  }

  /** What docs/operations.md asks an operator to do after a restore. */
  async #followRestore(): Promise<void> {
    await this.untilDone(this.clients.operator.deleteAccountsAgain());
    for (const { name } of this.platform.current.views) await this.untilDone(this.clients.operator.startRebuild(name));
    await this.finish();
  }
}
