import type { View } from '../../src/cqrs/reading/view';
import { Defects } from './defects';
import type { Hardship } from './hardships';
import type { Clients } from './history';
import type { SimulatedPlatform } from './platform';
import { queueNames, shortName } from './queues';
import type { Schedule } from './schedule';
import { describeCause } from './trace';

/** Something that happens once in a history, at a step of the traffic. */
interface Turn {
  at: number;
  run(): void;
}

/** How long the operator may take from the restore to the deployment of the new `EPOCH`: one directly after the other. */
const longestGapMs = 90_000;

/** What happens to a history from outside: outages, deployments, a restore, damage, and an operator's rebuild. */
export class Hazards {
  wasRestored = false;
  wasCorrupted = false;
  /** The name of a view whose values in KV were destroyed. */
  #damaged: string | undefined;
  readonly defects: Defects;

  constructor(
    readonly platform: SimulatedPlatform,
    readonly clients: Clients,
    readonly schedule: Schedule,
  ) {
    this.defects = new Defects(platform, clients);
  }

  /** Chooses what happens in this history, and at which of its steps. */
  plan(stepCount: number): Turn[] {
    const { world } = this.platform;
    const turns: Turn[] = [];
    const at = (low: number, high: number) => world.between(Math.floor(stepCount * low), Math.floor(stepCount * high));
    const plan = (hardship: Hardship, probability: number, add: () => Turn[]) => {
      const isChosen = world.chance(probability);
      if (isChosen && world.isHard(hardship)) turns.push(...add());
    };
    plan('outages', 0.4, () => [{ at: at(0.1, 0.9), run: () => this.#startOutage() }]);
    plan('outages', 0.2, () => [{ at: at(0.1, 0.9), run: () => this.#startOutage() }]);
    plan('outages', 0.5, () => [{ at: at(0.1, 0.9), run: () => this.schedule.pause(world.between(60_000, 240_000)) }]);
    plan('faults', 0.6, () => [{ at: at(0.15, 0.6), run: () => this.#startRebuild() }]);
    plan('corruption', 0.5, () => [
      { at: at(0.15, 0.4), run: () => this.#corrupt() },
      { at: at(0.3, 0.7), run: () => this.#corrupt() },
      { at: at(0.5, 0.95), run: () => this.#corrupt() },
    ]);
    plan('defects', 0.3, () => this.#planDefects(at));
    plan('restores', 0.15, () => [{ at: at(0.4, 0.9), run: () => this.#restore() }]);
    plan('versions', 0.3, () => {
      const [first, second, third] = [at(0.1, 0.4), at(0.4, 0.65), at(0.65, 0.95)];
      const last = world.pick([0, 0, 1, 1]) ?? 1;
      return [
        { at: first, run: () => this.#deploy(world.chance(0.5) ? 0.5 : 1) },
        { at: second, run: () => this.#deploy(world.pick([0, 0.5, 1]) ?? 1) },
        { at: third, run: () => this.#deploy(last) },
        // A rebuild whose events a version cannot read waits for the other one.
        ...(world.chance(0.4) ? [{ at: at(0.45, 0.95), run: () => this.#startRebuild('order') }] : []),
      ];
    });
    return turns;
  }

  /** Something fails by its own fault; the operator tries it again, discards its work, or rebuilds, and it is corrected. */
  #planDefects(at: (low: number, high: number) => number): Turn[] {
    const { defects } = this;
    const { world } = this.platform;
    const breakSomething = () => {
      const view = world.chance(0.65) ? defects.breakCode() : defects.breakRow();
      if (view !== undefined) this.#damaged = view;
    };
    const isCorrectedSoon = world.chance(0.2);
    return [
      { at: at(0.02, 0.25), run: breakSomething },
      { at: at(0.1, 0.4), run: breakSomething },
      ...(world.chance(0.5) ? [{ at: at(0.4, 0.7), run: () => this.#startRebuild() }] : []),
      ...(world.chance(0.4) ? [{ at: at(0.5, 0.8), run: () => this.#operate('replayDeadLetters') }] : []),
      ...(world.chance(0.5) ? [{ at: at(0.6, 0.8), run: () => this.#operate('discardProjections') }] : []),
      ...(world.chance(0.5) ? [{ at: at(0.8, 0.98), run: () => this.#operate('discardProjections') }] : []),
      ...(isCorrectedSoon ? [{ at: at(0.5, 0.95), run: () => defects.correct() }] : []),
    ];
  }

  /** What the people who operate the system do when they have understood what happened. */
  end(): void {
    this.#deployEpoch();
  }

  /** The view that an operator rebuilds: often one whose documents were damaged. */
  chooseView(): View | undefined {
    const { current, world } = this.platform;
    const { views } = current;
    const damaged = world.chance(0.7) ? views.find(({ name }) => name === this.#damaged) : undefined;
    return damaged ?? world.pick(views);
  }

  #startOutage(): void {
    const { world } = this.platform;
    const service = world.pick(['d1', 'kv', 'mail', ...queueNames.map(shortName)]) ?? 'd1';
    world.startOutage(service, world.between(60_000, 1_200_000));
  }

  #startRebuild(view = this.chooseView()?.name ?? ''): void {
    this.platform.world.note('a rebuild starts', view);
    this.#operate('startRebuild', view);
  }

  /** The operator sends a command in the middle of the faults; where the answer is lost, nobody asks again. */
  #operate(command: 'startRebuild' | 'replayDeadLetters' | 'discardProjections', view = ''): void {
    const { trace } = this.platform.world;
    this.clients.operator[command](view).catch((error) => trace?.('operator', describeCause(error)));
  }

  #corrupt(): void {
    if (!this.schedule.usesReconciler) return;
    const key = this.platform.kv.corrupt();
    if (key === undefined) return;
    this.wasCorrupted = true;
    // The schedule is due soon, so that the reconciler meets the damage while there are faults.
    this.schedule.hurry();
    [this.#damaged = key] = key.split('@');
    this.platform.world.note('a value in KV is destroyed', this.#damaged);
  }

  #deploy(shareOfSecond: number): void {
    const { platform } = this;
    if (shareOfSecond === platform.shareOfSecond) return;
    const kind = shareOfSecond > platform.shareOfSecond ? 'roll-forward' : 'rollback';
    platform.deploy(shareOfSecond);
    platform.world.note('deployment', shareOfSecond % 1 === 0 ? kind : `${kind} to a half`);
  }

  /** Time Travel to an earlier moment, and after a while the deployment of a new `EPOCH`. Everything else goes on. */
  #restore(): void {
    const { platform, schedule } = this;
    const { world } = platform;
    const moment = world.between(Math.floor(platform.d1.moment / 2), platform.d1.moment);
    // Clients may have read the newest events, so the events are noted before the restore takes them back.
    this.clients.observe();
    const position = platform.restore(moment);
    world.note('D1 is restored');
    world.trace?.('operator', `restored D1 to position ${position}`);
    this.wasRestored = true;
    schedule.usesReconciler = true;
    this.clients.restored({ position, at: world.now });
    const gapMs = world.chance(0.3) ? 0 : world.between(1_000, longestGapMs);
    if (gapMs === 0 || !world.hardships.has('late-epoch')) this.#deployEpoch();
    else {
      world.note('EPOCH changes some time after the restore');
      world.after(gapMs, () => this.#deployEpoch());
    }
  }

  #deployEpoch(): void {
    const { platform } = this;
    if (!platform.deployEpoch()) return;
    platform.world.trace?.('operator', `deploys EPOCH ${platform.epoch}`);
  }
}
