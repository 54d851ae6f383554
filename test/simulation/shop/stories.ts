import type { Commands, Queries } from '../../../src/domains';
import type { Process } from '../process';
import { commandNames, type Draft, generators } from './commands';
import { followUps } from './follow-ups';
import type { Credential, HeldToken } from './knowledge';
import type { Notebook } from './notebook';
import { ownAccount, readers } from './queries';
import type { Reader } from './reading';
import type { Sender } from './sender';

/** Commands that may end the tokens of the account in their payload. */
const revokingCommands: readonly (keyof Commands)[] = ['ChangeRole', 'DeactivateUser', 'DeleteUser', 'UpdateUser'];
/** What people do with an account while it is deleted or loses its tokens. */
const ownCommands = ['CreateItem', 'PlaceOrder', 'OpenTicket'] as const;

/** What clients do: a command, and what belongs to it before, at the same time and after it. */
export class Stories {
  constructor(
    readonly notebook: Notebook,
    readonly sender: Sender,
    readonly reader: Reader,
  ) {}

  /** A client sends a command that somebody can send at the moment. */
  act(): void {
    const { notebook } = this;
    for (let tries = 8; tries > 0; tries--) {
      const name = notebook.choose(commandNames, generators);
      const draft = generators[name].draft(notebook.shop);
      if (!draft) continue;
      notebook.start((client) => this.#tell(client, name, draft, 4));
      return;
    }
  }

  /** A client sends a command, and then something that belongs to it, so that people work on the same things. */
  async #tell(client: Process, name: keyof Commands, draft: Draft, left: number): Promise<void> {
    const { notebook } = this;
    const { shop } = notebook;
    if (revokingCommands.includes(name)) this.#doMeanwhile(name, draft);
    const watch = this.#readAlong(name, draft);
    const isDone = await this.sender.send(client, name, draft);
    if (isDone) watch.token = shop.newestToken;
    const next = shop.world.pick(isDone ? (followUps[name] ?? []) : []);
    if (left === 0 || next === undefined || !shop.world.chance(0.7)) return;
    // Who looks at the effect of a command sends the token of its answer.
    if (isQuery(next)) return this.reader.readAll(client, next, shop.newestToken);
    if (!notebook.isOn(generators[next])) return;
    if (next === 'ConfirmPasswordReset' || next === 'ConfirmEmail') await this.#waitForEmail(client);
    const following = generators[next].draft(shop);
    if (following) await this.#tell(client, next, following, left - 1);
  }

  /** What others do while a command is on its way that may end the tokens of an account. */
  #doMeanwhile(name: keyof Commands, { payload }: Draft): void {
    const { userId } = payload as { userId: string };
    if (name === 'DeleteUser') this.#changeSettings(userId);
    this.#watchRevocation(userId);
    this.#raceRevocation(userId);
  }

  /** An admin changes the settings of an account while it is deleted; the two are different streams. */
  #changeSettings(userId: string): void {
    const { shop } = this.notebook;
    const by = shop.does('profiles', 0.6) ? shop.holderOf('admin') : undefined;
    if (!by) return;
    const changes = { emailNotifications: shop.world.chance(0.5) };
    this.#send('UpdateSettings', { payload: { userId, changes }, by });
  }

  #send(name: keyof Commands, draft: Draft): void {
    this.notebook.start(async (client) => void (await this.sender.send(client, name, draft)));
  }

  /** Somebody goes on reading with a token that a command is about to end, until the token is refused. */
  #watchRevocation(userId: string): void {
    const { notebook, reader } = this;
    const { shop } = notebook;
    const by = shop.does('revoked-callers', 0.8) ? shop.person(userId)?.credentials.at(-1) : undefined;
    if (!by) return;
    notebook.start(async (client) => {
      for (let left = 10; left > 0 && !by.isRefused; left--) {
        await reader.query(client, 'GetOwnUser', ownAccount(by), undefined);
        await shop.world.wait(client, shop.world.between(1_000, 20_000));
      }
    });
  }

  /**
   * The holder of an account whose tokens are about to end refreshes them at the same time, and goes on with commands: with
   * the token of before, and with one that the refresh returned.
   */
  #raceRevocation(userId: string): void {
    const { notebook, sender } = this;
    const { shop } = notebook;
    const person = shop.person(userId);
    if (!person || !shop.does('revocation-races', 0.5)) return;
    const refreshToken = person.refreshTokens.at(-1);
    const before = person.credentials.at(-1);
    notebook.platform.world.note('a revocation is raced', before ? 'with a token' : 'without a token');
    if (refreshToken !== undefined) {
      notebook.start(async (client) => {
        await sender.send(client, 'RefreshSession', { payload: { refreshToken } });
        await this.#goOn(client, person.credentials.at(-1));
      });
    }
    if (before) notebook.start((client) => this.#goOn(client, before));
  }

  /** Somebody sends commands with a token, some at once and some later, until the token is refused. */
  async #goOn(client: Process, by: Credential | undefined): Promise<void> {
    const { shop } = this.notebook;
    for (let left = 3; left > 0 && by && !by.isRefused; left--) {
      const name = shop.world.pick(ownCommands) ?? 'CreateItem';
      const draft = generators[name].draft(shop);
      if (draft) await this.sender.send(client, name, { ...draft, by });
      await shop.world.wait(client, shop.world.between(100, 8_000));
    }
  }

  /**
   * Somebody looks at what a command changes, again and again for some minutes, before the command and after it, then
   * with the command's token. So a location has an old document in its cache when the token and newer marks arrive.
   */
  #readAlong(command: keyof Commands, { payload }: Draft): { token: HeldToken | undefined } {
    const { notebook, reader } = this;
    const { shop } = notebook;
    const watch = { token: shop.newestToken };
    const name = shop.world.pick((followUps[command] ?? []).filter(isQuery));
    if (!name || !notebook.isOn(readers[name]) || !shop.does('tokens', 0.4)) return watch;
    const { userId, itemId, orderId, ticketId } = payload as Record<string, string | undefined>;
    const reading = readers[name].reading(shop, userId ?? itemId ?? orderId ?? ticketId);
    if (!reading) return watch;
    notebook.start(async (client) => {
      for (let left = 10; left > 0 && !reading.by?.isRefused; left--) {
        await reader.query(client, name, reading, watch.token);
        await shop.world.wait(client, shop.world.between(1_000, 25_000));
      }
    });
    return watch;
  }

  async #waitForEmail(client: Process): Promise<void> {
    const { emails, world } = this.notebook.platform;
    const before = emails.length;
    for (let tries = 30; tries > 0 && emails.length === before; tries--) await world.wait(client, 5_000);
  }
}

function isQuery(name: keyof Commands | keyof Queries): name is keyof Queries {
  return name in readers;
}
