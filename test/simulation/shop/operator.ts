import type { Commands } from '../../../src/domains';
import { InvariantViolation } from '../violation';
import { passwordOf } from './check-state';
import { type Credential, needsSignIn } from './knowledge';
import type { Notebook } from './notebook';
import type { Sender } from './sender';

interface Admin {
  id: string;
  email: string;
  hash: string;
  generation: number;
}

/** An operator who follows docs/operations.md. */
export class Operator {
  constructor(
    readonly notebook: Notebook,
    readonly sender: Sender,
  ) {}

  /** An active admin. There is always one, because the last one keeps the role. */
  get #admin(): Admin {
    const { d1, world } = this.notebook.platform;
    const [found] = d1.query<Admin & Record<string, unknown>>(
      `SELECT id, email, password_hash AS hash, token_generation AS generation
       FROM users WHERE role = 'admin' AND is_active = 1 AND is_service = 0 ORDER BY id LIMIT 1`,
    );
    if (found) return found;
    const expected = 'an active admin exists, whatever admins do to each other';
    throw new InvariantViolation(world.seed, { expected, found: 'none' });
  }

  async signIn(): Promise<void> {
    const { email, hash } = this.#admin;
    await this.sender.sendOnce('SignIn', { payload: { username: email, password: passwordOf(hash) } });
  }

  /** What the operator signs requests with, if the last sign-in was not long ago. */
  get credential(): Credential | undefined {
    const { platform, shop } = this.notebook;
    const { id, generation } = this.#admin;
    const known = shop.person(id)?.credentials.findLast(({ caller }) => caller.tokenGeneration === generation);
    return known && !needsSignIn(known, platform.world.now + 60_000) ? known : undefined;
  }

  /** Signs in, if the last time was long ago, and sends a command. */
  async #operate(name: keyof Commands, payload: unknown): Promise<void> {
    if (!this.credential) await this.signIn();
    await this.sender.sendOnce(name, { payload, by: this.credential });
  }

  startRebuild(view: string): Promise<void> {
    return this.#operate('StartRebuild', { view });
  }

  async replayDeadLetters(): Promise<void> {
    const { d1, world } = this.notebook.platform;
    if (world.chance(0.5)) {
      const letters = d1.query(
        "SELECT position, subscription FROM deliveries WHERE status = 'dead' ORDER BY position LIMIT 3",
      );
      if (letters.length > 0) await this.#operate('ReplayDeadLetters', { letters });
    }
    const dead = d1.query<{ fault: 'system' | 'recipient' }>(
      "SELECT DISTINCT coalesce(fault, 'system') AS fault FROM deliveries WHERE status = 'dead' ORDER BY fault DESC",
    );
    // Without a fault a replay is about those of the system. The owners of the other addresses have corrected them.
    for (const { fault } of dead) await this.#operate('ReplayDeadLetters', fault === 'system' ? {} : { fault });
  }

  discardProjections(): Promise<void> {
    return this.#operate('DiscardDeadLetters', { subscription: 'projections' });
  }

  async deleteAccountsAgain(): Promise<void> {
    const { people } = this.notebook.shop;
    for (const userId of this.#deletedBeforeRestore()) {
      if (people.has(userId)) await this.#operate('DeleteUser', { userId });
    }
  }

  /** The accounts whose deletion is in the log before the restore, and not in the log after it. */
  #deletedBeforeRestore(): string[] {
    const [before, now] = this.notebook.log.segments.slice(-2);
    const deletions = (before?.events ?? [])
      .filter(({ type }) => type === 'UserDeleted')
      .map(({ streamId }) => streamId);
    const kept = new Set(now?.events.filter(({ type }) => type === 'UserDeleted').map(({ streamId }) => streamId));
    return deletions.filter((id) => !kept.has(id));
  }
}
