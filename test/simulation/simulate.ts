import { compose, type Services } from '../../src/composition';
import type { View } from '../../src/cqrs/reading/view';
import { views } from '../../src/domains';
import type { EmailMessage } from '../../src/email/email-sender';
import { DomainError } from '../../src/platform/errors';
import { newId } from '../../src/platform/ids';
import { runSchedule } from '../../src/schedule';
import { D1Model } from './d1';
import {
  type Acknowledged,
  InvariantViolation,
  checkCommands,
  checkDocuments,
  checkEvents,
  type History,
  promise,
} from './invariants';
import { KvModel } from './kv';
import { QueuesModel } from './queues';
import { type ClientCommand, Shop } from './shop';
import { createRandom, type Faults, type Process, settle, World } from './world';

export interface Report {
  seed: number;
  faults: Faults;
  events: number;
  acknowledged: number;
  /** Acknowledged commands without an effect. */
  lost: number;
  reads: number;
  emails: number;
  deadLetters: number;
}

const secret = 'only-for-the-simulation-0123456789-abcdefgh';
const commandCount = 24;
/** How long an e-mail and the note of it may take: what outlasts it is as good as dead. */
const effectMs = 30_000;

/** One history from a seed: hostile traffic, then fair weather, then everything must be as promised. */
export async function simulate(seed: number): Promise<Report> {
  const random = createRandom(seed);
  const { random: original } = Math;
  // The backoff's jitter is part of the history.
  Math.random = random;
  const simulation = new Simulation(seed, new World(random));
  try {
    return await simulation.run();
  } catch (cause) {
    if (cause instanceof InvariantViolation) throw cause;
    throw new InvariantViolation(`seed ${seed}: ${cause}`, { cause });
  } finally {
    Math.random = original;
    simulation.close();
  }
}

class Simulation {
  readonly #d1: D1Model;
  readonly #kv: KvModel;
  readonly #queues: QueuesModel;
  readonly #shop: Shop;
  readonly #history: History;
  #reads = 0;
  #isScheduleOn = true;
  #nextTick: number;
  readonly #usesReconciler: boolean;

  constructor(
    readonly seed: number,
    readonly world: World,
  ) {
    this.#d1 = new D1Model(world);
    this.#kv = new KvModel(world);
    this.#queues = new QueuesModel(world, async (process, queue, batch) =>
      this.#services(process).consumers[queue]?.(batch),
    );
    this.#shop = new Shop(world);
    const [acknowledged, emails] = [[], new Map()];
    this.#history = { seed, world, d1: this.#d1, kv: this.#kv, shop: this.#shop, acknowledged, emails };
    this.#nextTick = world.now + 60_000;
    this.#usesReconciler = world.chance(0.5);
  }

  close(): void {
    this.#d1.close();
  }

  /** The Worker's own composition, on models. */
  #services(process: Process): Services {
    const { world } = this;
    const env = {
      DB: this.#d1.bind(process),
      VIEWS: this.#kv.bind(process),
      PROJECTIONS_QUEUE: this.#queues.bind(process, 'frontdesk-projections'),
      EMAILS_QUEUE: this.#queues.bind(process, 'frontdesk-emails'),
      ANALYTICS_QUEUE: this.#queues.bind(process, 'frontdesk-analytics'),
      REBUILDS_QUEUE: this.#queues.bind(process, 'frontdesk-rebuilds'),
      ANALYTICS: { writeDataPoint: () => {} },
      ISSUER: 'https://frontdesk.example',
      AUDIENCE: 'frontdesk',
      EPOCH: '1',
      TOKEN_SECRET: secret,
      EMAIL_TRANSPORT: 'console',
      EMAIL_FROM: 'a@example.com',
      PASSWORD_RESET_URL: 'https://frontdesk.example/reset',
    };
    const silent = () => {};
    return compose(env as unknown as Env, () => {}, {
      clock: { now: () => world.now },
      logger: { info: silent, warn: silent, error: silent, child: () => ({}) } as unknown as Services['logger'],
      wait: (ms) => world.wait(process, ms),
      emailSender: { send: (message) => this.#sendEmail(process, message) },
    });
  }

  #sendEmail(process: Process, { messageId }: EmailMessage): Promise<void> {
    const begun = this.world.now;
    const pending = this.#d1.query(
      "SELECT 1 FROM deliveries JOIN events USING (position) WHERE subscription = 'emails' AND events.id = ?",
      messageId,
    );
    const take = () => {
      const earlier = this.#history.emails.get(messageId) ?? [];
      this.#history.emails.set(messageId, [...earlier, { process, begun }]);
      // Again only if nobody had noted it, because who had the provider's yes died, or was held up as long as that.
      const isExcused = pending.length > 0 && earlier.every((one) => one.process.dead || begun - one.begun >= effectMs);
      if (earlier.length > 0 && !isExcused) this.world.failures.push(`${messageId} was mailed twice`);
    };
    return this.world.operation(
      process,
      () => {
        // A sender's own timeout is shorter than what is allowed for the effect.
        const isLate = this.world.now - begun >= effectMs;
        if (isLate || this.world.fault('e-mail: provider away', 0.05)) throw new Error('ETIMEDOUT');
        take();
      },
      () => {
        if (this.world.now - begun < effectMs) take();
      },
    );
  }

  #context(actor: string | undefined, commandId: string): Parameters<ClientCommand['run']>[1] {
    return {
      commandId,
      isRepeatable: true,
      issuedAt: this.world.now,
      requestId: newId(),
      actor: actor === undefined ? undefined : { id: actor, issuedAt: this.world.now },
      readFrom: 'first-unconstrained',
    };
  }

  /** A client sends a command, and sends it again under the same key when it got no clear answer; or twice at once. */
  #send(command: ClientCommand, tries = 3): void {
    const commandId = newId();
    let isNoted = false;
    const attempt = (left: number) =>
      this.world.spawn(`client: ${command.name}`, async (process) => {
        try {
          const answer = await command.run(this.#services(process), this.#context(command.actor, commandId));
          if (!isNoted) this.#note(commandId, command, answer);
          isNoted = true;
        } catch (error) {
          if (error instanceof DomainError) return;
          if (left > 1) attempt(left - 1);
        }
      });
    attempt(tries);
    if (this.world.fault('client: sent twice at once', 0.1)) attempt(1);
  }

  #note(commandId: string, command: ClientCommand, answer: Awaited<ReturnType<ClientCommand['run']>>): void {
    const { id = command.key, version = 0 } = (answer.result ?? {}) as { id?: string; version?: number };
    if (id === undefined) return;
    this.#history.acknowledged.push({ commandId, command, id, version, commit: answer.commit });
    command.onDone?.(id);
  }

  /** A client reads with the token of what it did: it must never see less. */
  #readOwn(): void {
    const own = this.world.pick(this.#history.acknowledged.filter(({ command }) => command.view));
    const view = own?.command.view;
    if (!own || !view) return;
    this.world.spawn('client: read', async (process) => {
      const token = { ...own.commit, epoch: '1' };
      const result = await this.#services(process)
        .readModels.read(token, { view, key: own.id })
        .then(([first]) => first)
        .catch(() => undefined);
      if (!result) return;
      this.#reads++;
      if (result.consistency === 'stale' || this.#isGone(own)) return;
      const version = result.document?.version ?? 0;
      promise(
        this.#history,
        version >= own.version,
        () => `${view.name} ${own.id} was read at ${version}, not ${own.version}`,
      );
    });
  }

  /** Whether the document may rightly be missing: the account that it belongs to was being deleted. */
  #isGone({ command, id }: Acknowledged): boolean {
    return this.#shop.deleted.size > 0 && (this.#shop.deleted.has(id) || command.view?.name === 'staff-ticket');
  }

  /** Runs what is under way to its end, without anything new. */
  async #drain(): Promise<void> {
    await settle();
    while (this.world.isBusy || this.world.processes.size > 0) {
      if (this.world.isBusy) await this.world.performOne();
      else if (this.world.nextTimerAt === undefined) break;
      else await this.world.advance(Math.max(1, this.world.nextTimerAt - this.world.now));
    }
  }

  async #setUp(): Promise<void> {
    const { world } = this;
    world.hostile = false;
    for (const command of [this.#shop.register(), this.#shop.register(), this.#shop.register()]) {
      this.#send(command, 1);
      await this.#drain();
    }
    const [staff] = this.#shop.customers.splice(0, 1);
    if (!staff) throw new Error('the first registration failed');
    this.#d1.query("UPDATE users SET role = 'admin' WHERE id = ?", staff);
    this.#shop.staff.push(staff);
    world.hostile = true;
  }

  async run(): Promise<Report> {
    await this.#setUp();
    await this.#storm();
    await this.#calm();
    const touched = checkEvents(this.#history);
    const found = checkCommands(this.#history);
    await this.#checkRebuild(touched);
    const { acknowledged, emails } = this.#history;
    const count = (sql: string) => Number(this.#d1.query<{ n: number }>(sql)[0]?.n ?? 0);
    return {
      seed: this.seed,
      faults: this.world.faults,
      events: count('SELECT count(*) AS n FROM events'),
      acknowledged: acknowledged.length,
      lost: acknowledged.length - found,
      reads: this.#reads,
      emails: [...emails.values()].flat().length,
      deadLetters: count("SELECT count(*) AS n FROM deliveries WHERE status = 'dead'"),
    };
  }

  /** Everything at once, in an order that chance chooses. */
  async #storm(): Promise<void> {
    const { world } = this;
    for (let sent = 0, step = 0; sent < commandCount || step < 300; step++) {
      const dice = world.random();
      if (dice < 0.6 && world.isBusy) await world.performOne();
      else if (dice < 0.68) await world.advance(world.between(1, 600));
      else if (dice < 0.695) await world.advance(world.between(1_000, 35_000));
      else if (dice < 0.82) this.#queues.deliver();
      else if (dice < 0.9 && sent < commandCount) {
        const command = this.#shop.next();
        if (command) {
          this.#send(command);
          sent++;
        }
      } else if (dice < 0.94) this.#readOwn();
      else if (dice < 0.955) this.#crash();
      else if (dice < 0.96) this.#startRebuild();
      else if (dice < 0.965 && world.fault('schedule: off for a while', 1)) {
        this.#isScheduleOn = false;
        world.after(world.between(60_000, 240_000), () => {
          this.#isScheduleOn = true;
        });
      } else this.#tick();
    }
  }

  #crash(): void {
    const process = this.world.pick([...this.world.processes]);
    if (process && this.world.fault('process died', 1)) this.world.kill(process);
  }

  #tick(): void {
    if (!this.#isScheduleOn || this.world.now < this.#nextTick) return;
    this.#nextTick = this.world.now + 60_000;
    this.world.spawn('schedule', async (process) => {
      const services = this.#services(process);
      if (this.#usesReconciler) await runSchedule(services, '* * * * *');
      else {
        await services.relay();
        await this.#restartRebuilds(services);
      }
      if (this.world.chance(0.1)) await runSchedule(services, '0 * * * *');
    });
  }

  async #restartRebuilds({ rebuilds }: Services): Promise<void> {
    for (const step of await rebuilds.findStalled().catch(() => [])) await rebuilds.send(step).catch(() => {});
  }

  #startRebuild(name = this.world.pick(views)?.name ?? ''): void {
    const [admin] = this.#shop.staff;
    this.world.spawn('rebuild', async (process) => {
      const services = this.#services(process);
      const context = this.#context(admin, newId());
      try {
        const { result } = await services.commands.execute('StartRebuild', { view: name }, context);
        this.world.fault('rebuild in the middle', 1);
        await services.rebuilds.send({ rebuildId: result.id, step: 0 });
      } catch {
        // Refused, or not sent: the schedule sees to it.
      }
    });
  }

  /** Fair weather, until nothing is left to do. */
  async #calm(): Promise<void> {
    const { world } = this;
    world.hostile = false;
    this.#isScheduleOn = true;
    for (let round = 0; ; round++) {
      promise(
        this.#history,
        round < 400,
        () => `it never rests: ${JSON.stringify(this.#unrest().slice(0, 10))} ${this.world.failures[0] ?? ''}`,
      );
      await this.#drain();
      this.#tick();
      await this.#drain();
      while (this.#queues.deliver()) await this.#drain();
      if (round % 20 === 19) await this.#replayDeadLetters();
      const isAtRest = this.#queues.isEmpty && this.#unrest().length === 0;
      if (isAtRest) break;
      await world.advance(15_000);
    }
  }

  /** What still has to happen, as D1 sees it. */
  #unrest() {
    return this.#d1.query(`
      SELECT 'delivery' AS what, subscription || ' ' || position || ' ' || status AS which FROM deliveries
      UNION ALL SELECT 'claim', view || ' ' || key FROM projections WHERE claimed_by IS NOT NULL
      UNION ALL SELECT 'doubt', view || ' ' || key FROM projections WHERE recheck_at IS NOT NULL
      UNION ALL SELECT 'rebuild', view FROM rebuilds WHERE status = 'running'`);
  }

  /** Those who run the system do their part. */
  async #replayDeadLetters(): Promise<void> {
    const [admin] = this.#shop.staff;
    this.world.spawn('replay', async (process) => {
      await this.#services(process).commands.execute('ReplayDeadLetters', {}, this.#context(admin, newId()));
    });
    await this.#drain();
  }

  /** What the write model gives for a document: the loaders' own statements, run on the primary. */
  async #load(view: View, key: string) {
    const process: Process = { name: 'check', dead: false, location: 0 };
    const loading = this.#services(process).readModels.readFresh({ view, key });
    await settle();
    while (this.world.isBusy) await this.world.performOne();
    return loading;
  }

  /** A rebuilt view equals the incremental one, and replayed history sends no e-mail. */
  async #checkRebuild(touched: ReadonlySet<string>): Promise<void> {
    const load = (view: View, key: string) => this.#load(view, key);
    const before = await checkDocuments(this.#history, touched, load);
    const mailed = this.#history.emails.size;
    await this.world.advance(2_000);
    const view = this.world.pick(views);
    for (const key of this.#kv.stored.keys()) {
      if (view && key.startsWith(`${view.id}:`)) this.#kv.stored.delete(key);
    }
    this.#startRebuild(view?.name);
    await this.#drain();
    await this.#calm();
    const after = await checkDocuments(this.#history, touched, load);
    for (const [key, document] of before) {
      if (!touched.has(key)) continue;
      promise(this.#history, after.get(key) === document, () => `${key} was rebuilt as something else`);
    }
    promise(this.#history, this.#history.emails.size === mailed, () => 'a rebuild sent e-mail');
  }
}
