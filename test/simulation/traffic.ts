import type { Hazards } from './hazards';
import type { Clients } from './history';
import type { SimulatedPlatform } from './platform';
import type { Schedule } from './schedule';
import type { World } from './world';

/** How many steps the traffic of a history has. */
const stepCount = 400;
/** The longest time that passes at once while a service is away. */
const outageMs = 120_000;

/** Commands, reads, consumers, deaths and the schedule at the same time, in an order that chance decides. */
export async function runTraffic(
  { queues, world }: SimulatedPlatform,
  clients: Clients,
  schedule: Schedule,
  hazards: Hazards,
): Promise<void> {
  const turns = hazards.plan(stepCount);
  const longestMs = world.pick([35_000, 35_000, 35_000, 300_000]) ?? 35_000;
  // In a calm history the Worker keeps up with the commands, so that marks advance and old tokens are read from KV.
  const isCalm = world.chance(0.4);
  const [operations, delivered] = isCalm ? [6, 0.86] : [1, 0.8];
  for (let step = 0; step < stepCount; step++) {
    for (const turn of turns) if (turn.at === step) turn.run();
    const dice = world.random();
    if (world.isBusy && (dice < 0.58 || world.isCrowded)) {
      for (let left = operations; left > 0 && world.isBusy; left--) await world.performOne();
    } else if (dice < 0.67) await world.advance(world.between(1, 600));
    else if (dice < 0.695) await jump(world, world.hasOutage ? Math.max(outageMs, longestMs) : longestMs);
    else if (dice < delivered) queues.deliver();
    else if (dice < 0.94) clients.act();
    else if (dice < 0.955) crash(world);
    else schedule.tick();
  }
}

/** Lets a long time pass. D1 goes on answering, except where it stalls; now and then nothing is answered. */
async function jump(world: World, longestMs: number): Promise<void> {
  const ms = world.between(1_000, longestMs);
  if (world.fault('stalls', 'D1 stalls for a long time', 0.15)) await world.advance(ms);
  else await world.advancePromptly(ms, !world.hardships.has('stalls'));
}

function crash(world: World): void {
  const process = world.pick([...world.processes]);
  if (process && world.fault('deaths', 'a process dies', 1, process.name)) world.kill(process);
}
