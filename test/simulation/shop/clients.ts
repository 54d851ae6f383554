import type { CallerContext } from '../../../src/access/access-rules';
import type { Commands, Queries } from '../../../src/domains';
import { isSimulatedDefect } from '../faulty-views';
import {
  type Clients,
  type CreateClients,
  type Invocation,
  NoResponse,
  type Platform,
  type Restored,
} from '../history';
import { nextId } from '../ids';
import { describeCause } from '../trace';
import { InvariantViolation } from '../violation';
import type { Process } from '../world';
import type { Behaviours } from './behaviours';
import { checkHistory } from './check';
import { passwordOf } from './check-state';
import { commandNames, type Draft, generators } from './commands';
import { erasedTexts } from './erasure';
import { followUps } from './follow-ups';
import { type Credential, type HeldToken, Knowledge, needsSignIn } from './knowledge';
import { learn, learnPassword } from './learning';
import { ObservedLog } from './log';
import { ownAccount, queryNames, type Reading, readers } from './queries';
import type { Attempt, ReadRecord } from './record';
import { SettledAccess } from './settled-access';

/** The access token had expired when the process looked at it, so the command or query never ran. */
class ExpiredToken extends Error {}

interface Admin {
  id: string;
  email: string;
  hash: string;
  generation: number;
}

/** Commands that may end the tokens of the account in their payload. */
const revokingCommands: readonly (keyof Commands)[] = ['ChangeRole', 'DeactivateUser', 'DeleteUser'];

const operatorEmail = 'operator@example.com';
const operatorPassword = 'the password of the operator';

/** Makes the clients of the shop, which show these behaviours. */
export function createShop(behaviours: Behaviours): CreateClients {
  return (platform) => new ShopClients(platform, behaviours);
}

class ShopClients implements Clients {
  readonly attempts: Attempt[] = [];
  readonly reads: ReadRecord[] = [];
  readonly log: ObservedLog;
  readonly access: SettledAccess;
  readonly shop: Knowledge;
  readonly #figures: Record<string, number> = {};
  #waiting = 0;

  constructor(
    readonly platform: Platform,
    readonly behaviours: Behaviours,
  ) {
    this.log = new ObservedLog(platform);
    this.access = new SettledAccess(platform, this.log);
    this.shop = new Knowledge(platform, behaviours);
    for (const name of commandNames) if (this.#isOn(generators[name])) this.#figures[`command: ${name}`] = 0;
    for (const name of queryNames) if (this.#isOn(readers[name])) this.#figures[`query: ${name}`] = 0;
  }

  get isBusy(): boolean {
    return this.#waiting > 0;
  }

  #isOn({ behaviour }: { behaviour?: Parameters<Behaviours['has']>[0] }): boolean {
    return behaviour === undefined || this.behaviours.has(behaviour);
  }

  #count(figure: string): void {
    this.#figures[figure] = (this.#figures[figure] ?? 0) + 1;
  }

  figures(): Readonly<Record<string, number>> {
    return this.#figures;
  }

  /** Starts a client, for whose end the recovery waits. */
  #start(run: (client: Process) => Promise<void>): void {
    this.#waiting++;
    this.platform.startClient('client', async (client) => {
      try {
        await run(client);
      } finally {
        this.#waiting--;
      }
    });
  }

  act(): void {
    if (this.platform.world.chance(0.55)) this.#command();
    else this.#read();
  }

  /** Chooses by weight among the entries of a map. */
  #choose<Name extends string, Entry extends { weight: number; behaviour?: Parameters<Behaviours['has']>[0] }>(
    names: readonly Name[],
    entries: Readonly<Record<Name, Entry>>,
  ): Name {
    const possible = names.filter((name) => this.#isOn(entries[name]));
    const total = possible.reduce((sum, name) => sum + entries[name].weight, 0);
    let left = this.platform.world.random() * total;
    const chosen = possible.find((name) => {
      left -= entries[name].weight;
      return left < 0;
    });
    return chosen ?? (possible[0] as Name);
  }

  /** Chooses a command that some client can send at the moment. */
  #draft(): [name?: keyof Commands, draft?: Draft] {
    for (let tries = 8; tries > 0; tries--) {
      const name = this.#choose(commandNames, generators);
      const draft = generators[name].draft(this.shop);
      if (draft) return [name, draft];
    }
    return [];
  }

  #command(): void {
    const [name, draft] = this.#draft();
    if (name && draft) this.#start((client) => this.#story(client, name, draft, 4));
  }

  /** A client sends a command, and then something that belongs to it, so that people work on the same things. */
  async #story(client: Process, name: keyof Commands, draft: Draft, left: number): Promise<void> {
    if (name === 'DeleteUser') this.#changeMeanwhile((draft.payload as { userId: string }).userId);
    const watch = this.#readAlong(name, draft);
    const isDone = await this.#send(client, name, draft);
    if (isDone) watch.token = this.shop.newestToken;
    const next = this.shop.world.pick(isDone ? (followUps[name] ?? []) : []);
    if (left === 0 || next === undefined || !this.shop.world.chance(0.7)) return;
    // Who looks at the effect of a command sends the token of its answer.
    if (isQuery(next)) return this.#readAll(client, next, this.shop.newestToken);
    if (!this.#isOn(generators[next])) return;
    if (next === 'ConfirmPasswordReset') await this.#waitForEmail(client);
    const following = generators[next].draft(this.shop);
    if (following) await this.#story(client, next, following, left - 1);
  }

  /** An admin changes the settings of an account while it is deleted; the two are different streams. */
  #changeMeanwhile(userId: string): void {
    const { shop } = this;
    const by = shop.does('profiles', 0.6) ? shop.holderOf('admin') : undefined;
    if (!by) return;
    const changes = { emailNotifications: shop.world.chance(0.5) };
    this.#start(
      async (client) => void (await this.#send(client, 'UpdateSettings', { payload: { userId, changes }, by })),
    );
  }

  /**
   * Somebody looks at what a command changes, again and again for some minutes, before the command and after it, then
   * with the command's token. So a location has an old document in its cache when the token and newer marks arrive.
   */
  #readAlong(command: keyof Commands, { payload }: Draft): { token: HeldToken | undefined } {
    const { shop } = this;
    const watch = { token: shop.newestToken };
    const name = shop.world.pick((followUps[command] ?? []).filter(isQuery));
    if (!name || !this.#isOn(readers[name]) || !shop.does('tokens', 0.4)) return watch;
    const { userId, itemId, orderId, ticketId } = payload as Record<string, string | undefined>;
    const reading = readers[name].reading(shop, userId ?? itemId ?? orderId ?? ticketId);
    if (!reading) return watch;
    this.#start(async (client) => {
      for (let left = 10; left > 0 && !reading.by?.isRefused; left--) {
        await this.#query(client, name, reading, watch.token);
        await shop.world.wait(client, shop.world.between(1_000, 25_000));
      }
    });
    return watch;
  }

  /** Somebody goes on reading with a token that a command is about to end, until the token is refused. */
  #watchRevocation(name: keyof Commands, { payload }: Draft): void {
    const { shop } = this;
    if (!revokingCommands.includes(name) || !shop.does('revoked-callers', 0.8)) return;
    const by = shop.person((payload as { userId: string }).userId)?.credentials.at(-1);
    if (!by) return;
    this.#start(async (client) => {
      for (let left = 10; left > 0 && !by.isRefused; left--) {
        await this.#query(client, 'GetOwnUser', ownAccount(by), undefined);
        await shop.world.wait(client, shop.world.between(1_000, 20_000));
      }
    });
  }

  async #waitForEmail(client: Process): Promise<void> {
    const before = this.platform.emails.length;
    for (let tries = 30; tries > 0 && this.platform.emails.length === before; tries--) {
      await this.platform.world.wait(client, 5_000);
    }
  }

  /** Sends a command, and now and then a second time at the same time, or another body under the same key. */
  async #send(client: Process, name: keyof Commands, draft: Draft): Promise<boolean> {
    const { shop } = this;
    this.#watchRevocation(name, draft);
    const isRepeatable = generators[name].takesKey && !shop.does('no-keys', 0.25);
    const identity = { commandId: nextId(), isRepeatable };
    if (isRepeatable && shop.does('double-sends', 0.12)) {
      this.platform.world.note('a client sends a command twice at the same time', name);
      this.#start(async (other) => void (await this.#sendUntilClear(other, name, draft, identity)));
    }
    const body = isRepeatable && shop.does('other-bodies', 0.04) ? generators[name].draft(shop) : undefined;
    if (body) {
      this.#start(async (other) => void (await this.#sendUntilClear(other, name, { ...body, by: draft.by }, identity)));
    }
    return this.#sendUntilClear(client, name, draft, identity);
  }

  /** Sends a command, and again under the same key while there is no clear answer. Returns whether it was acknowledged. */
  async #sendUntilClear(
    client: Process,
    name: keyof Commands,
    draft: Draft,
    identity: { commandId: string; isRepeatable: boolean },
  ): Promise<boolean> {
    const { world } = this.platform;
    for (let left = 3; ; left--) {
      const { answer } = await this.#attempt(client, name, draft, identity);
      const again = answer.kind === 'unclear' || this.shop.does('repeats', 0.1);
      if (!again || !identity.isRepeatable || left === 1) return answer.kind === 'acknowledged';
      await world.wait(client, world.between(10, 4_000));
    }
  }

  async #attempt(
    client: Process,
    name: keyof Commands,
    { payload, by, expectedVersion }: Draft,
    { commandId, isRepeatable }: { commandId: string; isRepeatable: boolean },
  ): Promise<Attempt> {
    const { platform, log, shop } = this;
    const { world } = platform;
    const token = shop.token();
    const requestId = nextId();
    const attempt: Attempt = {
      ...{ requestId, commandId, name, payload, isRepeatable, expectedVersion },
      caller: by?.caller,
      ...{ segment: log.segment, from: log.observe(), sentAt: world.now, issuedAt: undefined, views: [] },
      answer: { kind: 'unclear' },
    };
    this.attempts.push(attempt);
    const text = JSON.stringify(payload);
    const whose = by ? `${by.caller.role} ${by.caller.userId}` : 'a visitor';
    world.trace?.(client, `sends ${name} as ${whose}, command ${commandId}: ${text}`);
    let invoked: Invocation | undefined;
    try {
      const committed = await platform.request('request', client, async (invocation) => {
        invoked = invocation;
        const now = invocation.services.clock.now();
        if (by && by.expiresAt <= now) throw new ExpiredToken();
        attempt.issuedAt = now;
        attempt.views = invocation.release.views.map(({ name }) => name);
        const isCurrent = token?.epoch === invocation.epoch;
        const nearest = name === 'CreateFirstAdmin' ? 'first-primary' : 'first-unconstrained';
        const context: CallerContext = {
          ...{ commandId, isRepeatable, requestId, issuedAt: now, expectedVersion },
          caller: by?.caller,
          actorId: by?.caller.userId,
          readFrom: (isCurrent ? token.bookmark : null) ?? nearest,
        };
        const commands: Commands = invocation.services.bindCommands(() => context);
        // The generator of this name made the payload.
        return commands[name](payload as never);
      });
      const result = JSON.parse(JSON.stringify(committed.result ?? null));
      const { commit, isReplayed = false } = committed;
      attempt.answer = { kind: 'acknowledged', result, commit, isReplayed };
    } catch (error) {
      // A restore may have taken back what the command found before.
      const isCrossed = attempt.segment !== this.log.segment && !invoked?.release.isRefusal(error);
      attempt.answer = isCrossed ? { kind: 'unclear' } : this.#refusal(name, error, invoked);
    }
    this.#end(attempt);
    const { answer } = attempt;
    world.trace?.(client, `${name}: ${JSON.stringify(answer)}`);
    this.#count(answer.kind === 'unclear' ? 'commands without a clear answer' : `commands ${answer.kind}`);
    if (answer.kind === 'refused') this.#count(`refusal: ${answer.code}`);
    if (answer.kind === 'refused' && answer.code === 'auth.invalid-token' && by) by.isRefused = true;
    if (answer.kind !== 'refused') learnPassword(shop, attempt);
    if (answer.kind === 'acknowledged') {
      this.#count(`command: ${name}`);
      if (answer.isReplayed) this.#count('commands answered again');
      const held = { ...answer.commit, epoch: invoked?.epoch ?? '', segment: attempt.segment, at: world.now };
      // A restore in between may have taken back what the answer is about.
      if (attempt.until !== undefined) shop.tokens.push(held);
      learn(shop, attempt, answer.result);
    }
    return attempt;
  }

  #refusal(name: string, error: unknown, invoked: Invocation | undefined): Attempt['answer'] {
    if (error instanceof ExpiredToken) return { kind: 'refused', code: 'auth.invalid-token' };
    if (error instanceof NoResponse || !invoked) return { kind: 'unclear' };
    const { release } = invoked;
    if (release.isRefusal(error)) return { kind: 'refused', code: error.code };
    if (isSimulatedDefect(error)) return { kind: 'failed' };
    if (release.isUnclear(error)) return { kind: 'unclear' };
    throw new InvariantViolation(
      this.platform.world.seed,
      {
        expected: `${name} has a result, is refused with a code, or fails because of a fault`,
        found: describeCause(error),
      },
      { cause: error },
    );
  }

  /** Notes where the log ends now, unless a restore came in between. */
  #end(span: Attempt | ReadRecord): void {
    const until = this.log.observe();
    this.access.observe();
    if (span.segment !== this.log.segment) return;
    span.until = until;
    span.answeredAt = this.platform.world.now;
  }

  #read(): void {
    const name = this.#choose(queryNames, readers);
    this.#start((client) => this.#readAll(client, name, this.shop.token()));
  }

  /** Reads, and where the answer is the first page of a list, also the pages after it. */
  async #readAll(client: Process, name: keyof Queries, token: HeldToken | undefined): Promise<void> {
    let current: Reading | undefined = this.#isOn(readers[name]) ? readers[name].reading(this.shop) : undefined;
    while (current) {
      const { answer } = await this.#query(client, name, current, token);
      const { lastId, cursor } = answer.kind === 'read' ? answer.answer : {};
      const hasNext = lastId !== undefined && cursor !== undefined && this.shop.world.chance(0.8);
      current = hasNext ? current.next?.(lastId, cursor) : undefined;
      if (current) this.#count('pages after the first one');
    }
  }

  async #query(
    client: Process,
    name: keyof Queries,
    reading: Reading,
    token: HeldToken | undefined,
  ): Promise<ReadRecord> {
    const { platform, log } = this;
    const { world } = platform;
    const span = { segment: log.segment, from: log.observe(), sentAt: world.now };
    const read: ReadRecord = {
      ...span,
      reading,
      token,
      answer: { kind: 'failed' },
      isTokenCurrent: false,
      isEpochCurrent: true,
    };
    this.reads.push(read);
    const with_ = token ? ` with the token of position ${token.position}` : '';
    world.trace?.(client, `reads ${reading.what}${with_}`);
    let invoked: Invocation | undefined;
    try {
      const answer = await platform.request('read', client, async (invocation) => {
        invoked = invocation;
        const { by } = reading;
        if (by && by.expiresAt <= invocation.services.clock.now()) throw new ExpiredToken();
        read.isTokenCurrent = token?.epoch === invocation.epoch;
        read.isEpochCurrent = invocation.epoch === log.current.epoch;
        const bound = { caller: () => by?.caller, token: () => token && { ...token } };
        return reading.run(invocation.services.bindQueries(bound));
      });
      read.answer = { kind: 'read', answer };
    } catch (error) {
      if (error instanceof ExpiredToken) read.answer = { kind: 'failed' };
      else if (invoked?.release.isRefusal(error)) read.answer = { kind: 'refused', code: error.code };
      else if (!(error instanceof NoResponse) && !isPlatformError(error) && !isSimulatedDefect(error)) throw error;
    }
    this.#end(read);
    const { answer } = read;
    world.trace?.(client, `read ${reading.what}: ${JSON.stringify(answer)}`);
    this.#countRead(name, read, token);
    if (answer.kind === 'refused' && answer.code === 'auth.invalid-token' && reading.by) reading.by.isRefused = true;
    return read;
  }

  #countRead(name: keyof Queries, { answer }: ReadRecord, token: HeldToken | undefined): void {
    this.#count(answer.kind === 'read' ? `query: ${name}` : `reads ${answer.kind}`);
    const freshness = answer.kind === 'read' ? answer.answer.freshness : undefined;
    const source = freshness?.source;
    if (!token || !source) return;
    this.#count('reads with a token');
    if (this.platform.world.now - token.at < 90_000) return;
    this.#count('reads with a token older than 90 s');
    if (source === 'kv') this.#count('of these answered by KV');
    else this.#count(`of these answered by D1: ${freshness?.forwarded}`);
  }

  async readAtRest(hasFloors: boolean): Promise<void> {
    const tokens = this.shop.tokens.filter(({ epoch }) => epoch === this.platform.epoch);
    for (let left = 24; left > 0; left--) {
      const name = this.#choose(queryNames, readers);
      const [reading, token] = [readers[name].reading(this.shop), this.platform.world.pick(tokens)];
      if (!reading || !token) continue;
      const { answer } = await new Promise<ReadRecord>((resolve) =>
        this.#start(async (client) => resolve(await this.#query(client, name, reading, token))),
      );
      const { forwarded, source } = (answer.kind === 'read' && answer.answer.freshness) || {};
      if (source) this.#count('reads at rest with a token');
      if (source === 'kv') this.#count('reads at rest with a token answered by KV');
      if (forwarded !== 'stale' || hasFloors) continue;
      throw new InvariantViolation(this.platform.world.seed, {
        expected: `KV answers the read of ${reading.what} with the token of position ${token.position}, because all work was done more than a minute ago`,
        found: 'the document in KV was too old, so D1 answered',
      });
    }
  }

  observe(): void {
    this.log.observe();
  }

  restored({ position }: Restored): void {
    this.log.restored(position);
  }

  async setUp(): Promise<void> {
    const { world } = this.platform;
    const operator = { name: 'The operator', email: operatorEmail, password: operatorPassword };
    const send = async (name: keyof Commands, draft: Draft) => {
      const { answer } = await this.#sendOnce(name, draft);
      if (answer.kind !== 'acknowledged') throw new Error(`The set-up fails with ${name}.`);
      return answer.result as { id: string };
    };
    const signIn = async (username: string, password: string): Promise<Credential> => {
      await send('SignIn', { payload: { username, password } });
      const found = [...this.shop.people.values()].find(({ emails }) => emails.includes(username));
      return found?.credentials.at(-1) as Credential;
    };
    this.shop.operatorId = (await send('CreateFirstAdmin', { payload: operator })).id;
    const by = await signIn(operatorEmail, operatorPassword);
    for (const role of ['customer', 'customer', 'agent', 'admin'] as const) {
      const email = this.shop.email();
      const password = this.shop.text('a long password');
      const { id: userId } = await send('RegisterUser', { payload: { name: this.shop.text('Ada'), email, password } });
      if (role !== 'customer') await send('ChangeRole', { payload: { userId, role }, by });
      const own = await signIn(email, password);
      if (role === 'customer') continue;
      const payload = { title: this.shop.text('Rope'), price: { amount: 500, currency: 'EUR' }, stock: 5 };
      await send('CreateItem', { payload, by: own });
    }
    world.trace?.('PHASE', 'the shop is open');
  }

  /** Sends a command without faults, and returns when there is an answer. */
  #sendOnce(name: keyof Commands, draft: Draft): Promise<Attempt> {
    return new Promise((resolve) =>
      this.#start(async (client) =>
        resolve(await this.#attempt(client, name, draft, { commandId: nextId(), isRepeatable: false })),
      ),
    );
  }

  /** An active admin. There is always one, because the last one keeps the role. */
  get #admin(): Admin {
    const [found] = this.platform.d1.query<Admin & Record<string, unknown>>(
      `SELECT id, email, password_hash AS hash, token_generation AS generation
       FROM users WHERE role = 'admin' AND is_active = 1 ORDER BY id LIMIT 1`,
    );
    if (found) return found;
    const expected = 'an active admin exists, whatever admins do to each other';
    throw new InvariantViolation(this.platform.world.seed, { expected, found: 'none' });
  }

  async #signInOperator(): Promise<void> {
    const { email, hash } = this.#admin;
    await this.#sendOnce('SignIn', { payload: { username: email, password: passwordOf(hash) } });
  }

  get #operatorCredential(): Credential | undefined {
    const { id, generation } = this.#admin;
    const known = this.shop.person(id)?.credentials.findLast(({ caller }) => caller.tokenGeneration === generation);
    return known && !needsSignIn(known, this.platform.world.now + 60_000) ? known : undefined;
  }

  /** The operator signs in, if the last time was long ago, and sends a command. */
  async #operate(name: keyof Commands, payload: unknown): Promise<void> {
    if (!this.#operatorCredential) await this.#signInOperator();
    await this.#sendOnce(name, { payload, by: this.#operatorCredential });
  }

  readonly operator = {
    signIn: () => this.#signInOperator(),
    startRebuild: (view: string) => this.#operate('StartRebuild', { view }),
    replayDeadLetters: async () => {
      const dead = this.platform.d1.query("SELECT 1 FROM deliveries WHERE status = 'dead' LIMIT 1");
      if (dead.length > 0) await this.#operate('ReplayDeadLetters', {});
    },
    discardProjections: () => this.#operate('DiscardDeadLetters', { subscription: 'projections' }),
    deleteAccountsAgain: async () => {
      const { people } = this.shop;
      for (const userId of this.#deletedBeforeRestore()) {
        if (people.has(userId)) await this.#operate('DeleteUser', { userId });
      }
    },
  };

  /** The accounts whose deletion is in the log before the restore, and not in the log after it. */
  #deletedBeforeRestore(): string[] {
    const [before, now] = this.log.segments.slice(-2);
    const deletions = (before?.events ?? [])
      .filter(({ type }) => type === 'UserDeleted')
      .map(({ streamId }) => streamId);
    const kept = new Set(now?.events.filter(({ type }) => type === 'UserDeleted').map(({ streamId }) => streamId));
    return deletions.filter((id) => !kept.has(id));
  }

  erasedTexts(): readonly string[] {
    return erasedTexts(this);
  }

  async check(): Promise<void> {
    checkHistory(this);
  }
}

function isQuery(name: keyof Commands | keyof Queries): name is keyof Queries {
  return name in readers;
}

/** Whether D1, KV or a queue refused or failed; any other error of a query is a defect of the code. */
function isPlatformError(error: unknown): boolean {
  return /D1_|D1 |KV |Queue|Network|timed out|overloaded|limit/i.test(describeCause(error));
}
