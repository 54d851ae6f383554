import { compose, type Services } from '../../src/composition';
import type { View } from '../../src/cqrs/reading/view';
import type { Committed } from '../../src/cqrs/writing/unit-of-work';
import { type Commands, views } from '../../src/domains';
import type { EmailMessage } from '../../src/email/email-sender';
import { isUnclearFailure } from '../../src/platform/d1';
import { DomainError } from '../../src/platform/errors';
import { newId } from '../../src/platform/ids';
import { runSchedule } from '../../src/schedule';
import { D1Model } from './d1';
import {
  type Acknowledged,
  assertInvariant,
  checkCommands,
  checkDocuments,
  checkEvents,
  type History,
} from './invariants';
import { KvModel } from './kv';
import { QueuesModel } from './queues';
import { type ClientCommand, Shop } from './shop';
import { describeCause } from './trace';
import { InvariantViolation } from './violation';
import { type Faults, type Process, World } from './world';

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
/** How long an e-mail and the record of it may take. A process that takes longer counts as dead. */
const effectMs = 30_000;
const cron = { minute: '* * * * *', hour: '0 * * * *' };

/**
 * Runs the history of a seed: traffic with faults, then the recovery without faults, then the check of the invariants.
 * @param print receives each step of the history as a line; tracing is off without it
 * @throws InvariantViolation
 */
export async function simulate(seed: number, print?: (line: string) => unknown): Promise<Report> {
  const world = new World(seed, print);
  const simulation = new Simulation(world);
  const { random } = Math;
  // The jitter of retries is part of the history.
  Math.random = world.random;
  try {
    return await simulation.run();
  } catch (cause) {
    const error = { expected: 'the history runs to its end', found: `${cause}` };
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
  readonly #d1: D1Model;
  readonly #kv: KvModel;
  readonly #queues: QueuesModel;
  readonly #shop: Shop;
  readonly #history: History;
  #reads = 0;
  #isScheduleOn = true;
  #nextTick: number;
  readonly #usesReconciler: boolean;

  constructor(readonly world: World) {
    this.#d1 = new D1Model(world);
    this.#kv = new KvModel(world);
    this.#queues = new QueuesModel(world, (process, batch) => this.#services(process).consume(batch));
    this.#shop = new Shop(world);
    const [acknowledged, emails] = [[], new Map()];
    this.#history = { seed: world.seed, d1: this.#d1, kv: this.#kv, shop: this.#shop, acknowledged, emails };
    this.#nextTick = world.now + 60_000;
    this.#usesReconciler = world.chance(0.5);
  }

  close(): void {
    this.#d1.close();
  }

  /** The Worker's own composition, on the models. */
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
    const waitUntil = (work: Promise<unknown>) => void process.background.push(work);
    return compose(env as unknown as Env, waitUntil, {
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
    const accept = () => {
      const earlier = this.#history.emails.get(messageId) ?? [];
      this.#history.emails.set(messageId, [...earlier, { process, begun }]);
      this.world.trace?.(process, `e-mail: the provider accepts the e-mail of event ${messageId}`);
      // A second e-mail is excused only where the delivery was still pending, and the process that sent the first e-mail
      // died before its record or took longer than it may.
      const isExcused = pending.length > 0 && earlier.every((one) => one.process.dead || begun - one.begun >= effectMs);
      if (earlier.length > 0 && !isExcused) {
        const found = `the e-mail of event ${messageId} was sent ${earlier.length + 1} times`;
        this.world.fail({ expected: 'a second e-mail only where the record of the first one was interrupted', found });
      }
    };
    return this.world.operation(
      process,
      () => {
        // The time limit of a real sender is shorter than the time that the effect may take.
        const isLate = this.world.now - begun >= effectMs;
        if (isLate || this.world.fault('e-mail: provider unavailable', 0.05)) throw new Error('ETIMEDOUT');
        accept();
      },
      () => {
        if (this.world.now - begun < effectMs) accept();
      },
    );
  }

  /** All commands, bound to a request of an account, or of a visitor. */
  #commands(process: Process, actor: string | undefined, commandId: string): Commands {
    return this.#services(process).bindCommands(() => ({
      commandId,
      isRepeatable: true,
      issuedAt: this.world.now,
      requestId: newId(),
      caller: actor === undefined ? undefined : this.#shop.callerOf(actor),
      actorId: actor,
      readFrom: 'first-unconstrained',
    }));
  }

  /**
   * A client sends a command. Without a clear response the client sends it again under the same key; and sometimes the
   * client sends it twice at the same time.
   */
  #send(command: ClientCommand, tries = 3): void {
    const { name, payload, actor } = command;
    const { trace } = this.world;
    const commandId = newId();
    let isRecorded = false;
    const attempt = (left: number) =>
      this.world.spawn('client', async (process) => {
        trace?.(process, `sends ${name} as ${actor ?? 'a visitor'}, command ${commandId}: ${JSON.stringify(payload)}`);
        command.onSend?.();
        try {
          const response = await command.run(this.#commands(process, actor, commandId));
          const { commit, isReplayed, result } = response;
          trace?.(
            process,
            `${name}: ${isReplayed ? 'stored ' : ''}response ${JSON.stringify(result ?? null)} at ${commit.position}`,
          );
          if (!isRecorded) this.#recordResponse(commandId, command, response);
          isRecorded = true;
        } catch (error) {
          const isRefusal = error instanceof DomainError;
          trace?.(
            process,
            `${name}: ${isRefusal ? `refused with ${error.code}` : `no clear response: ${describeCause(error)}`}`,
          );
          if (isRefusal) return;
          if (!isUnclearFailure(error)) {
            const expected = `${name} returns a result, is refused with an error of the catalogue, or fails because of a fault`;
            this.world.fail({ expected, found: describeCause(error) }, error);
          }
          if (left > 1) attempt(left - 1);
        }
      });
    attempt(tries);
    if (this.world.fault('client: sent twice at the same time', 0.1)) attempt(1);
  }

  #recordResponse(commandId: string, command: ClientCommand, { result, commit }: Committed<unknown>): void {
    const { id = command.key, version = 0 } = (result ?? {}) as { id?: string; version?: number };
    if (id === undefined) return;
    this.#history.acknowledged.push({ commandId, command, id, version, commit });
    command.onDone?.(id);
  }

  /** A client reads with the token of its command: the document must include the command. */
  #readOwn(): void {
    const own = this.world.pick(this.#history.acknowledged.filter(({ command }) => command.view));
    const view = own?.command.view;
    if (!own || !view) return;
    this.world.spawn('client', async (process) => {
      const { position } = own.commit;
      const what = `${view.name} ${own.id} with the token of position ${position}`;
      this.world.trace?.(process, `reads ${what}`);
      const result = await this.#services(process)
        .readModels.read({ ...own.commit, epoch: '1' }, { view, key: own.id })
        .then(([first]) => first)
        .catch(() => undefined);
      if (!result) return this.world.trace?.(process, `cannot read ${what}`);
      this.#reads++;
      const { ageSeconds, consistency, source } = result;
      const version = result.document?.version ?? 0;
      this.world.trace?.(
        process,
        `read ${view.name} ${own.id}: version ${version}, ${consistency}, from ${source}, ${ageSeconds} s old`,
      );
      if (consistency === 'stale' || this.#mayBeDeleted(own)) return;
      assertInvariant(this.#history, version >= own.version, () => ({
        expected: `a read of ${what} returns version ${own.version} or a newer one`,
        found: `version ${version} from ${source}, marked ${consistency}`,
      }));
    });
  }

  /** Whether the document may be missing, because the deletion of its account was sent. */
  #mayBeDeleted({ command, id }: Acknowledged): boolean {
    return this.#shop.deleted.size > 0 && (this.#shop.deleted.has(id) || command.view?.name === 'staff-ticket');
  }

  /** Runs all processes to their ends, without starting new ones. */
  async #drain(): Promise<void> {
    await this.world.runPromises();
    while (this.world.isBusy || this.world.processes.size > 0) {
      if (this.world.isBusy) await this.world.performOne();
      else if (this.world.nextTimerAt === undefined) break;
      else await this.world.advance(Math.max(1, this.world.nextTimerAt - this.world.now));
    }
  }

  /** Registers three accounts without faults, and makes the first one an admin. */
  async #setUp(): Promise<void> {
    const { world } = this;
    world.hasFaults = false;
    for (const command of [this.#shop.register(), this.#shop.register(), this.#shop.register()]) {
      this.#send(command, 1);
      await this.#drain();
    }
    const [admin] = this.#shop.customers.splice(0, 1);
    if (!admin) throw new Error('the registration of the admin failed');
    this.#d1.query("UPDATE users SET role = 'admin' WHERE id = ?", admin);
    this.#shop.staff.push(admin);
    world.hasFaults = true;
  }

  async run(): Promise<Report> {
    const { trace } = this.world;
    trace?.('PHASE', `set-up of seed ${this.world.seed}: three accounts`);
    await this.#setUp();
    trace?.('PHASE', 'traffic with faults');
    await this.#runTraffic();
    trace?.('PHASE', 'recovery without faults');
    await this.#recover();
    trace?.('PHASE', 'check of the invariants');
    const touched = checkEvents(this.#history);
    const found = checkCommands(this.#history);
    await this.#checkRebuild(touched);
    const { acknowledged, emails } = this.#history;
    const count = (sql: string) => Number(this.#d1.query<{ n: number }>(sql)[0]?.n ?? 0);
    return {
      seed: this.world.seed,
      faults: this.world.faults,
      events: count('SELECT count(*) AS n FROM events'),
      acknowledged: acknowledged.length,
      lost: acknowledged.length - found,
      reads: this.#reads,
      emails: [...emails.values()].flat().length,
      deadLetters: count("SELECT count(*) AS n FROM deliveries WHERE status = 'dead'"),
    };
  }

  /** Commands, reads, consumers, crashes, rebuilds and the schedule at the same time, in an order that chance decides. */
  async #runTraffic(): Promise<void> {
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
      else if (dice < 0.965 && world.fault('schedule: paused', 1)) {
        this.#isScheduleOn = false;
        world.after(world.between(60_000, 240_000), () => {
          this.#isScheduleOn = true;
          world.trace?.('schedule', 'continues');
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
      this.world.trace?.(process, `runs the minute's tasks${this.#usesReconciler ? '' : ' without the reconciler'}`);
      if (this.#usesReconciler) await runSchedule(services, cron.minute);
      else {
        await services.relay();
        await this.#restartRebuilds(services);
      }
      if (!this.world.chance(0.1)) return;
      this.world.trace?.(process, "runs the hour's tasks");
      await runSchedule(services, cron.hour);
    });
  }

  async #restartRebuilds({ rebuilds }: Services): Promise<void> {
    for (const step of await rebuilds.findStalled().catch(() => [])) await rebuilds.send(step).catch(() => {});
  }

  #startRebuild(view = this.world.pick(views)?.name ?? ''): void {
    const [admin] = this.#shop.staff;
    this.world.spawn('admin', async (process) => {
      this.world.trace?.(process, `sends StartRebuild of ${view}`);
      try {
        const { result } = await this.#commands(process, admin, newId()).StartRebuild({ view });
        this.world.trace?.(process, `StartRebuild: response ${JSON.stringify(result)}`);
        this.world.fault('rebuild during traffic', 1);
      } catch (error) {
        // A rebuild that runs already is a refusal. Where the response was lost, the schedule continues the rebuild.
        this.world.trace?.(process, `StartRebuild: ${describeCause(error)}`);
      }
    });
  }

  /** Runs the system without faults until no work is left. */
  async #recover(): Promise<void> {
    const { world } = this;
    world.hasFaults = false;
    this.#isScheduleOn = true;
    for (let round = 0; ; round++) {
      assertInvariant(this.#history, round < 400, () => ({
        expected: 'all work ends within 100 minutes after the last fault',
        found: `this work is left: ${JSON.stringify(this.#findUnfinished().slice(0, 10))}`,
      }));
      await this.#drain();
      this.#tick();
      await this.#drain();
      while (this.#queues.deliver()) await this.#drain();
      if (round % 20 === 19) await this.#replayDeadLetters();
      if (this.#queues.isEmpty && this.#findUnfinished().length === 0) break;
      await world.advance(15_000);
    }
  }

  /** The work that is left, as D1 sees it. */
  #findUnfinished() {
    return this.#d1.query(`
      SELECT 'delivery' AS what, subscription || ' ' || position || ' ' || status AS which FROM deliveries
      UNION ALL SELECT 'claim', view || ':' || key FROM projections WHERE claimed_by IS NOT NULL
      UNION ALL SELECT 'recheck', view || ':' || key FROM projections WHERE recheck_at IS NOT NULL
      UNION ALL SELECT 'rebuild', view FROM rebuilds WHERE status = 'running'`);
  }

  /** What an operator does about dead letters. */
  async #replayDeadLetters(): Promise<void> {
    const [admin] = this.#shop.staff;
    this.world.spawn('admin', async (process) => {
      this.world.trace?.(process, 'sends ReplayDeadLetters');
      await this.#commands(process, admin, newId()).ReplayDeadLetters({});
    });
    await this.#drain();
  }

  /** A function that loads a document from the write model: it runs the view's own statement on the primary. */
  #createLoader() {
    const { readModels } = this.#services({ name: 'check', id: 0, dead: false, location: 0, background: [] });
    return async (view: View, key: string) => {
      const loading = readModels.readFresh({ view, key });
      await this.world.runPromises();
      while (this.world.isBusy) await this.world.performOne();
      return loading;
    };
  }

  /** Checks that a rebuilt view equals the view before, and that replayed events send no e-mail. */
  async #checkRebuild(touched: ReadonlySet<string>): Promise<void> {
    const load = this.#createLoader();
    const before = await checkDocuments(this.#history, touched, load);
    const emailsBefore = this.#history.emails.size;
    await this.world.advance(2_000);
    const view = this.world.pick(views);
    this.world.trace?.('PHASE', `rebuild of ${view?.name}, whose documents are deleted from KV`);
    for (const key of this.#kv.stored.keys()) {
      if (view && key.startsWith(`${view.id}:`)) this.#kv.stored.delete(key);
    }
    this.#startRebuild(view?.name);
    await this.#drain();
    await this.#recover();
    const after = await checkDocuments(this.#history, touched, load);
    for (const [key, document] of before) {
      if (!touched.has(key)) continue;
      assertInvariant(this.#history, after.get(key) === document, () => ({
        expected: `the rebuild of ${view?.name} leaves ${key} as it was: ${document}`,
        found: after.get(key) ?? 'no document',
      }));
    }
    const { size } = this.#history.emails;
    assertInvariant(this.#history, size === emailsBefore, () => ({
      expected: 'a rebuild sends no e-mail',
      found: `e-mails of ${size - emailsBefore} events`,
    }));
  }
}
