import type { SimulatedPlatform } from './platform';

export const cron = { minute: '* * * * *', hour: '0 * * * *' } as const;
const minuteMs = 60_000;

/** The cron triggers: each run is a process of its own. */
export class Schedule {
  /** Whether the triggers fire. */
  isOn = true;
  /** The reconciler repairs what nothing else would, so a part of the histories must hold without it. */
  usesReconciler: boolean;
  #next: number;

  constructor(readonly platform: SimulatedPlatform) {
    this.#next = platform.world.now + minuteMs;
    this.usesReconciler = platform.world.chance(0.7);
  }

  /** When the minute's tasks are due. */
  get nextAt(): number {
    return this.#next;
  }

  /** Makes the minute's tasks due at once. */
  hurry(): void {
    this.#next = Math.min(this.#next, this.platform.world.now);
  }

  /** Stops the triggers for some time. */
  pause(ms: number): void {
    const { world } = this.platform;
    this.isOn = false;
    world.note('the schedule is paused');
    world.after(ms, () => {
      this.isOn = true;
      world.trace?.('schedule', 'continues');
    });
  }

  /** Starts the minute's tasks, if they are due. */
  tick(): void {
    const { platform, usesReconciler } = this;
    const { world } = platform;
    if (!this.isOn || world.now < this.#next) return;
    this.#next = world.now + minuteMs;
    const process = platform.createProcess('schedule');
    world.spawn(process, async () => {
      const services = platform.compose(process);
      const nothing = async () => ({ checked: 0, repaired: 0 });
      if (!usesReconciler) services.reconcile = nothing as unknown as typeof services.reconcile;
      world.trace?.(process, `runs the minute's tasks${usesReconciler ? '' : ' without the reconciler'}`);
      await process.release.runSchedule(services, cron.minute);
      if (!world.chance(0.1)) return;
      world.trace?.(process, "runs the hour's tasks");
      await process.release.runSchedule(services, cron.hour);
    });
  }

  /** Runs the minute's tasks now, or the hour's. */
  async runNow(which: keyof typeof cron): Promise<void> {
    const { platform } = this;
    const process = platform.createProcess('schedule');
    platform.world.spawn(process, () => process.release.runSchedule(platform.compose(process), cron[which]));
    await platform.world.drain();
  }
}
