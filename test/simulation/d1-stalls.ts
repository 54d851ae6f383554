import type { Process } from './process';
import type { World } from './world';

/** How long D1 is reported to stall. */
const [shortestMs, longestMs] = [20_000, 80_000];
/** After this time nobody waits for an invocation any more, and the platform ends it. */
const invocationMs = 100_000;

/**
 * Carries out a call of D1 that may stall: the answer comes late, or never, or the call waits before it takes effect.
 * @param call begins the operation
 */
export async function stall<Result>(
  world: World,
  process: Process,
  step: string,
  call: () => Promise<Result>,
): Promise<Result> {
  // A commit is worth more than others, because it must not be done twice.
  const seldom = step === 'commit' ? 0.02 : 0.003;
  const ms = world.between(shortestMs, longestMs);
  if (world.fault('stalls', 'D1 takes up a call late', seldom, step)) {
    await world.wait(process, ms);
    return call();
  }
  if (world.fault('stalls', 'D1 answers late', seldom, step)) {
    const outcome = await Promise.allSettled([call()]);
    await world.wait(process, ms);
    const [settled] = outcome;
    if (settled.status === 'rejected') throw settled.reason;
    return settled.value;
  }
  if (world.fault('stalls', 'D1 never answers', seldom, step)) {
    call().catch(() => {});
    world.after(invocationMs, () => world.giveUp(process));
    return new Promise(() => {});
  }
  return call();
}
