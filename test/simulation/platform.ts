import type { Services } from '../../src/composition';
import type { WaitSignal } from '../../src/platform/clock';
import { createTurns } from '../../src/platform/turns';
import { D1Model } from './d1';
import { DataPoints } from './data-points';
import { type Invocation, NoResponse, type Platform, type Release } from './history';
import { KvModel } from './kv';
import { MailModel } from './mail';
import type { Process } from './process';
import { type QueueName, QueuesModel } from './queues';
import type { World } from './world';

const silent = () => {};

/** A logger that counts what the code reports as an error, and the events that a version cannot read. */
function createLogger({ coverage }: World): Services['logger'] {
  const error = (event: string) => coverage.count('the log has an error', event);
  const warn = (event: string, fields?: { error?: unknown }) => {
    if (fields?.error === 'UnreadableEventError') coverage.count('a version cannot read an event', event);
  };
  const logger = { info: silent, warn, error, child: () => logger };
  return logger as unknown as Services['logger'];
}

const variables = {
  REQUESTS: { writeDataPoint: silent },
  ISSUER: 'https://frontdesk.example',
  AUDIENCE: 'frontdesk',
  TOKEN_SECRET: 'only-for-the-simulation-0123456789-abcdefgh',
  EMAIL_TRANSPORT: 'console',
  EMAIL_FROM: 'a@example.com',
  PASSWORD_RESET_URL: 'https://frontdesk.example/reset',
};

const bindings = {
  PROJECTIONS_QUEUE: 'frontdesk-projections',
  EMAILS_QUEUE: 'frontdesk-emails',
  REBUILDS_QUEUE: 'frontdesk-rebuilds',
} as const satisfies Record<string, QueueName>;

/** The platform of one history: its services, the versions that are deployed, and the processes that run on it. */
export class SimulatedPlatform implements Platform {
  readonly hardships;
  readonly #logger: Services['logger'];
  readonly d1: D1Model;
  readonly kv: KvModel;
  readonly queues: QueuesModel;
  readonly mail: MailModel;
  readonly dataPoints: DataPoints;
  epoch = '1';
  /** The variable `SELLERS`, the same for the whole history. */
  readonly sellers;
  readonly #variables;
  /** The part of the new processes that run version 2. */
  shareOfSecond = 0;
  /** Whether both versions have run in this history. */
  hasVersions = false;
  /** Whether D1 was restored, and the new `EPOCH` is not deployed yet. */
  #needsEpoch = false;
  #wasRestored = false;
  /** Whether the lines of an order could not be read for a time, so that the sales figures wait for their next comparison. */
  hadBrokenOrder = false;

  constructor(
    readonly world: World,
    readonly releases: readonly [Release, Release],
  ) {
    this.hardships = world.hardships;
    this.#logger = createLogger(world);
    this.sellers =
      world.hardships.has('staff-sells') && world.seed % 2 === 1 ? ('staff' as const) : ('everyone' as const);
    this.dataPoints = new DataPoints(world);
    this.#variables = { ...variables, ANALYTICS: this.dataPoints.dataset, SELLERS: this.sellers };
    this.d1 = new D1Model(world);
    this.kv = new KvModel(world, () => this.hasVersions || this.#wasRestored);
    this.mail = new MailModel(world, (messageId) => this.#isEmailPending(messageId));
    this.queues = new QueuesModel(world, (batch, name, ended) => {
      const process = this.createProcess(name);
      process.onDeath = () => ended(false);
      world.spawn(process, async () => {
        await this.compose(process).consume(batch);
        // A queue acknowledges a batch after the work in the background, too.
        await Promise.allSettled(process.background);
        // A consumer that asked for nothing can die before its promises ran.
        if (process.dead) return;
        // A death after the acknowledgement changes nothing.
        delete process.onDeath;
        ended(true);
      });
      return process;
    });
  }

  get documents(): ReadonlyMap<string, string> {
    return this.kv.stored;
  }

  get emails() {
    return this.mail.accepted;
  }

  /** Whether each of the versions may have run in this history. */
  get deployed(): readonly Release[] {
    return this.hardships.has('versions') ? this.releases : [this.releases[0]];
  }

  #isEmailPending(messageId: string): boolean {
    const sql =
      "SELECT 1 FROM deliveries JOIN events USING (position) WHERE subscription = 'emails' AND instr(?, events.id) > 0";
    return this.d1.query(sql, messageId).length > 0;
  }

  /** Deploys version 2 to this part of the new processes. */
  deploy(shareOfSecond: number): void {
    this.shareOfSecond = shareOfSecond;
    this.hasVersions = true;
  }

  createProcess(name: string): Process {
    const release = this.releases[this.world.chance(this.shareOfSecond) ? 1 : 0];
    if (this.#needsEpoch) this.world.coverage.count('a process works on a restored database with the old EPOCH', name);
    return this.world.createProcess(name, { release, epoch: this.epoch });
  }

  /** The Worker's own composition, on the models. */
  compose(process: Process): Services {
    const { world } = this;
    const queues = Object.entries(bindings).map(([name, queue]) => [name, this.queues.bind(process, queue)]);
    const env = {
      ...this.#variables,
      ...Object.fromEntries(queues),
      EPOCH: process.epoch,
      DB: this.d1.bind(process),
      VIEWS: this.kv.bind(process),
    };
    const waitUntil = (work: Promise<unknown>) => void process.background.push(work);
    const services = process.release.compose(env as unknown as Env, waitUntil, {
      clock: { now: () => world.now + process.clockOffset },
      logger: this.#logger,
      // Each process is an isolate of its own.
      hashing: { turns: createTurns(() => 1) },
      wait: (ms: number, { signal }: { signal?: WaitSignal } = {}) => world.wait(process, ms, signal),
      emailSender: {
        // A version whose senders have a deadline passes a signal.
        send: (message, attempt) => this.mail.send(process, message, attempt?.signal),
      },
    });
    // The limits belong to the HTTP layer, which the clients here do without.
    services.http.permitHashing();
    return services;
  }

  /** The composition on models that never fail and answer at once, for the checks. */
  composeDirectly(release: Release): Services {
    const env = { ...this.#variables, EPOCH: this.epoch, DB: this.d1.bindDirectly(), VIEWS: this.kv.bindDirectly() };
    return release.compose(env as unknown as Env, silent, {
      clock: { now: () => this.world.now },
      logger: this.#logger,
      wait: async (_ms, options) => (options?.signal ? new Promise(() => {}) : undefined),
      emailSender: { send: async () => {} },
    });
  }

  startClient(name: string, run: (client: Process) => Promise<void>): void {
    this.world.spawn(this.createProcess(name), run, 'clients');
  }

  request<Result>(name: string, client: Process, run: (invocation: Invocation) => Promise<Result>): Promise<Result> {
    const process = this.createProcess(name);
    if (this.world.chance(0.8)) process.location = client.location;
    const { epoch, release } = process;
    return new Promise((resolve, reject) => {
      process.onDeath = () => reject(new NoResponse(`process ${process.id} died`));
      this.world.spawn(process, async () => {
        await run({ process, release, services: this.compose(process), epoch }).then(resolve, reject);
        process.isAnswered = true;
      });
    });
  }

  /** The version that runs alone after the traffic. */
  get current(): Release {
    return this.releases[this.shareOfSecond < 0.5 ? 0 : 1];
  }

  /** Whether an event was recorded that this version cannot read, by its type or its schema version. */
  isUnreadable({ eventCatalogue }: Release, position: number): boolean {
    const [row] = this.d1.query<{ type: string; version: number }>(
      'SELECT type, schema_version AS version FROM events WHERE position = ?',
      position,
    );
    return row !== undefined && row.version > (eventCatalogue.get(row.type)?.schemaVersion ?? 0);
  }

  /** Whether the log has an event that this version cannot read. */
  hasUnreadable({ eventCatalogue }: Release): boolean {
    const newest = this.d1.query<{ type: string; version: number }>(
      'SELECT type, max(schema_version) AS version FROM events GROUP BY type',
    );
    return newest.some(({ type, version }) => version > (eventCatalogue.get(type)?.schemaVersion ?? 0));
  }

  /** D1 goes back to an earlier moment; messages, documents and running processes stay. Returns the end of the log. */
  restore(moment: number): number {
    this.d1.restore(moment);
    this.mail.restored();
    this.dataPoints.restored();
    this.#needsEpoch = true;
    this.#wasRestored = true;
    return (
      this.d1.query<{ position: number }>('SELECT coalesce(max(position), 0) AS position FROM events')[0]?.position ?? 0
    );
  }

  /** Gives new processes the `EPOCH` that a restore asks for. Returns whether one was due. */
  deployEpoch(): boolean {
    const wasDue = this.#needsEpoch;
    if (wasDue) this.epoch = String(Number(this.epoch) + 1);
    this.#needsEpoch = false;
    return wasDue;
  }

  close(): void {
    this.d1.close();
  }
}
