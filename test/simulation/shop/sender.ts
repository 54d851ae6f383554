import type { CallerContext } from '../../../src/access/access-rules';
import type { Commands } from '../../../src/domains';
import { isSimulatedDefect } from '../faulty-views';
import { type Invocation, NoResponse } from '../history';
import { nextId } from '../ids';
import type { Process } from '../process';
import { describeCause } from '../trace';
import { InvariantViolation } from '../violation';
import { type Draft, generators } from './commands';
import type { Credential } from './knowledge';
import { learn, learnCredentials } from './learning';
import type { Notebook } from './notebook';
import { type Attempt, type CommandAnswer, identityOf, isOpen } from './record';

/** The access token had expired when the process looked at it, so the command or query never ran. */
export class ExpiredToken extends Error {}

/** What requests with the same `Idempotency-Key` have in common. */
interface Identity {
  commandId: string;
  isRepeatable: boolean;
}

/** Sends commands, again where the outcome is open, and notes every answer. */
export class Sender {
  constructor(readonly notebook: Notebook) {}

  /** Sends a command, and now and then a second time at the same time, or another body under the same key. */
  async send(client: Process, name: keyof Commands, draft: Draft): Promise<boolean> {
    const { notebook } = this;
    const { platform, shop } = notebook;
    const isRepeatable = generators[name].takesKey && !shop.does('no-keys', 0.25);
    const identity = { commandId: nextId(), isRepeatable };
    if (isRepeatable && shop.does('double-sends', 0.12)) {
      platform.world.note('a client sends a command twice at the same time', name);
      notebook.start(async (other) => void (await this.#sendUntilClear(other, name, draft, identity)));
    }
    const body = isRepeatable && shop.does('other-bodies', 0.04) ? generators[name].draft(shop) : undefined;
    if (body) {
      const changed = { ...body, by: draft.by };
      notebook.start(async (other) => void (await this.#sendUntilClear(other, name, changed, identity)));
    }
    return this.#sendUntilClear(client, name, draft, identity);
  }

  /** Sends a command once, without a key, and returns when there is an answer. */
  sendOnce(name: keyof Commands, draft: Draft): Promise<Attempt> {
    const identity = { commandId: nextId(), isRepeatable: false };
    return new Promise((resolve) =>
      this.notebook.start(async (client) => resolve(await this.#attempt(client, name, draft, identity))),
    );
  }

  /**
   * Repeats commands under their keys that have no clear answer yet, as a client does that does not give up.
   * @throws InvariantViolation for one that has no clear answer now, because there are no faults any more
   */
  async repeatOpen(most: number): Promise<void> {
    const { attempts, log, platform, start } = this.#bound;
    const commands = Map.groupBy(attempts, identityOf);
    const open = [...commands.values()].flatMap((same) => {
      const [first] = same;
      const isOfToday = same.every(({ segment }) => segment === log.segment);
      return first?.isRepeatable && isOfToday && same.every(({ answer }) => isOpen(answer)) ? [first] : [];
    });
    for (const { commandId, name, payload, by, expectedVersion } of open.slice(-most)) {
      const draft = { payload, by, expectedVersion };
      const { answer } = await new Promise<Attempt>((resolve) =>
        start(async (client) => resolve(await this.#attempt(client, name, draft, { commandId, isRepeatable: true }))),
      );
      this.notebook.count('open commands repeated at rest');
      if (!isOpen(answer)) continue;
      const expected = `the repetition of ${name} (command ${commandId}) has a clear answer, because nothing is away`;
      throw new InvariantViolation(platform.world.seed, { expected, found: answer.kind });
    }
  }

  get #bound() {
    const { attempts, log, platform } = this.notebook;
    return { attempts, log, platform, start: this.notebook.start.bind(this.notebook) };
  }

  /** Sends a command, and again under the same key while there is no clear answer. Returns whether it was acknowledged. */
  async #sendUntilClear(client: Process, name: keyof Commands, draft: Draft, identity: Identity): Promise<boolean> {
    const { platform, shop } = this.notebook;
    const { world } = platform;
    for (let left = 3; ; left--) {
      const { answer } = await this.#attempt(client, name, draft, identity);
      const again = isOpen(answer) || shop.does('repeats', 0.1);
      if (!again || !identity.isRepeatable || left === 1) return answer.kind === 'acknowledged';
      await world.wait(client, world.between(10, 4_000));
    }
  }

  async #attempt(client: Process, name: keyof Commands, draft: Draft, identity: Identity): Promise<Attempt> {
    const { notebook } = this;
    const { log, platform, shop } = notebook;
    const { world } = platform;
    const { payload, by, expectedVersion } = draft;
    const token = shop.token();
    const requestId = nextId();
    const attempt: Attempt = {
      ...{ requestId, ...identity, name, payload, by, expectedVersion },
      caller: by?.caller,
      ...{ segment: log.segment, from: log.observe(), sentAt: world.now, issuedAt: undefined, views: [] },
      answer: { kind: 'unanswered' },
    };
    notebook.attempts.push(attempt);
    const whose = by ? `${by.caller.role} ${by.caller.userId}` : 'a visitor';
    world.trace?.(client, `sends ${name} as ${whose}, command ${identity.commandId}: ${JSON.stringify(payload)}`);
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
          ...{ ...identity, requestId, issuedAt: now, expectedVersion },
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
      const isCrossed = attempt.segment !== log.segment && !invoked?.release.isRefusal(error);
      attempt.answer = isCrossed ? { kind: 'unanswered' } : this.#answerOf(name, error, invoked);
    }
    notebook.end(attempt);
    world.trace?.(client, `${name}: ${JSON.stringify(attempt.answer)}`);
    this.#learn(attempt, by, invoked);
    return attempt;
  }

  /** Notes what the client knows from the answer. */
  #learn(attempt: Attempt, by: Credential | undefined, invoked: Invocation | undefined): void {
    const { notebook } = this;
    const { shop, platform } = notebook;
    const { answer, name } = attempt;
    notebook.count(`commands ${answer.kind}`);
    if (answer.kind === 'refused') notebook.count(`refusal: ${answer.code}`);
    if (answer.kind === 'refused' && answer.code === 'auth.invalid-token' && by) by.isRefused = true;
    if (answer.kind !== 'refused') learnCredentials(shop, attempt);
    if (answer.kind !== 'acknowledged') return;
    notebook.count(`command: ${name}`);
    if (answer.isReplayed) notebook.count('commands answered again');
    const held = { ...answer.commit, epoch: invoked?.epoch ?? '', segment: attempt.segment, at: platform.world.now };
    // A restore in between may have taken back what the answer is about.
    if (attempt.until !== undefined) shop.tokens.push(held);
    learn(shop, attempt, answer.result);
  }

  /** What a client is told about an error: a refusal (4xx), 503, or 500. */
  #answerOf(name: string, error: unknown, invoked: Invocation | undefined): CommandAnswer {
    if (error instanceof ExpiredToken) return { kind: 'refused', code: 'auth.invalid-token' };
    if (error instanceof NoResponse || !invoked) return { kind: 'unanswered' };
    const { release } = invoked;
    if (release.isUnavailable(error)) return { kind: 'unavailable' };
    if (release.isRefusal(error)) return { kind: 'refused', code: error.code };
    if (release.isOfPlatform(error) || isSimulatedDefect(error)) return { kind: 'failed' };
    const expected = `${name} has a result, is refused with a code, or fails because of a fault`;
    const finding = { expected, found: describeCause(error) };
    throw new InvariantViolation(this.notebook.platform.world.seed, finding, { cause: error });
  }
}
