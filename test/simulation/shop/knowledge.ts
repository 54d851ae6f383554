import type { Platform } from '../history';
import type { Behaviour, Behaviours } from './behaviours';
import { FeedConsumer } from './feed';
import type { Caller } from './state';

/** An access token as its holder knows it. */
export interface Credential {
  caller: Caller;
  expiresAt: number;
  /** Whether a request with it was refused as revoked. */
  isRefused: boolean;
}

export interface Person {
  id: string;
  name: string;
  /** Addresses and passwords that were sent; after an answer that was lost, any of them may be the current one. */
  emails: string[];
  /** Addresses that were asked for, and are not confirmed as far as the clients know. */
  wantedEmails: string[];
  passwords: string[];
  /** Newest last. */
  credentials: Credential[];
  refreshTokens: string[];
  /** Access tokens of API keys; a service account has no others. */
  keys: Credential[];
}

/** The point of the log after a command, with which reads see the command's effect. */
export interface HeldToken {
  position: number;
  bookmark: string | null;
  epoch: string;
  /** The part of the log that it belongs to, and the real time when the client received it. */
  segment: number;
  at: number;
}

export interface Owned {
  id: string;
  ownerId: string;
}

const roleOf = ({ credentials, keys }: Person) => (credentials.at(-1) ?? keys.at(-1))?.caller.role;

/** What the clients know from the answers that they received. */
export class Knowledge {
  readonly people = new Map<string, Person>();
  items: Owned[] = [];
  orders: Owned[] = [];
  tickets: Owned[] = [];
  /** The item that the staff was last about to take off sale, so that its owner tries to put it back. */
  disputed: Owned | undefined;
  rebuilds: string[] = [];
  /** The API keys that were created, with their accounts. */
  apiKeys: Owned[] = [];
  /** The accounts of programs, with the roles that they were created with. */
  readonly serviceRoles = new Map<string, Caller['role']>();
  /** What another team has made of the feed of events. */
  readonly feed = new FeedConsumer();
  /** The accounts that were deleted. */
  readonly deleted: string[] = [];
  /** The newest version of each thing that a client was told. */
  readonly versions = new Map<string, number>();
  tokens: HeldToken[] = [];
  /** The account of the first operator. */
  operatorId = '';
  #texts = 0;

  constructor(
    readonly platform: Pick<Platform, 'emails' | 'hadBrokenOrder' | 'releases' | 'world'>,
    readonly behaviours: Behaviours,
  ) {}

  get world() {
    return this.platform.world;
  }

  get views(): string[] {
    return this.platform.releases[0].views.map(({ name }) => name);
  }

  /** The longest page that a list's document has. */
  get usualPage(): number {
    return this.platform.releases[0].limits.firstPageSize - 1;
  }

  does(behaviour: Behaviour, probability = 1): boolean {
    return this.behaviours.has(behaviour) && this.world.chance(probability);
  }

  /** A text that occurs nowhere else; the brackets keep one from being a part of another. */
  text(what: string): string {
    return `${what} (${++this.#texts})`;
  }

  /** A name of its own: one of letters, by which an e-mail greets, or one with digits, by which none does. */
  name(): string {
    if (this.world.chance(0.3)) return this.text('Ada');
    const letters = [...String(++this.#texts)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
    return `Ada ${letters} Byron`;
  }

  email(): string {
    return `person-${++this.#texts}@example.com`;
  }

  person(id: string): Person | undefined {
    return this.people.get(id);
  }

  /** Somebody whom clients may change. */
  anyone(): Person | undefined {
    const isSpared = ({ id }: Person) => id === this.operatorId && !this.behaviours.has('last-admin');
    return this.world.pick([...this.people.values()].filter((person) => !isSpared(person)));
  }

  /** Somebody whose account an admin changes: now and then an admin, so that few are left. */
  target(): Person | undefined {
    if (!this.does('last-admin', 0.3)) return this.anyone();
    return this.world.pick([...this.people.values()].filter((person) => roleOf(person) === 'admin'));
  }

  /** Somebody who owns more than anybody else, so that the deletion of the account takes several steps. */
  richest(): Person | undefined {
    const owners = Map.groupBy([...this.items, ...this.orders, ...this.tickets], ({ ownerId }) => ownerId);
    const known = [...owners].filter(([id]) => this.people.has(id) && id !== this.operatorId);
    return this.person(known.sort(([, a], [, b]) => b.length - a.length)[0]?.[0] ?? '');
  }

  credentialOf(person: Person | undefined): Credential | undefined {
    if (!person) return undefined;
    if (person.keys.length > 0 && this.does('keys', 0.35)) return this.world.pick(person.keys.slice(-2));
    if (this.does('revoked-callers', 0.1)) return this.world.pick(person.credentials);
    const newest = person.credentials.at(-1);
    return newest && !needsSignIn(newest, this.world.now) ? newest : undefined;
  }

  /** A credential of somebody with one of these roles, as far as the clients know; now and then of anybody. */
  holderOf(...roles: readonly Caller['role'][]): Credential | undefined {
    const anybody = this.does('strangers', 0.08);
    const holders = [...this.people.values()].filter((person) => {
      const role = roleOf(person);
      return role !== undefined && (anybody || roles.includes(role));
    });
    return this.credentialOf(this.world.pick(holders));
  }

  /** A credential of this account, or now and then of a stranger. */
  ownerOr(id: string, ...roles: readonly Caller['role'][]): Credential | undefined {
    if (this.does('strangers', 0.08)) return this.holderOf('customer', 'agent', 'admin');
    if (roles.length > 0 && this.world.chance(0.3)) return this.holderOf(...roles);
    return this.credentialOf(this.person(id));
  }

  /** A version for `If-Match`: mostly the one that a client was told last, and sometimes none. */
  ifMatch(id: string): number | undefined {
    const version = this.versions.get(id);
    if (version === undefined || !this.does('if-match', 0.35)) return undefined;
    return this.world.chance(0.2) ? version + this.world.between(-1, 1) : version;
  }

  /** Something of a list that the clients know: mostly one of the newest, so that clients meet. */
  someOf(list: readonly Owned[]): Owned | undefined {
    return this.world.pick(this.world.chance(0.7) ? list.slice(-3) : list);
  }

  token(): HeldToken | undefined {
    if (!this.does('tokens', 0.75)) return undefined;
    return this.world.pick(this.world.chance(0.7) ? this.tokens.slice(-3) : this.tokens);
  }

  get newestToken(): HeldToken | undefined {
    return this.behaviours.has('tokens') ? this.tokens.at(-1) : undefined;
  }

  /** A token of a password reset that the mailbox received. */
  resetToken(): string | undefined {
    return this.#mailedToken(/\/reset#token=(\S+)/);
  }

  /** A token that confirms an address, which a mailbox received. */
  confirmationToken(): string | undefined {
    return this.#mailedToken(/\/confirm-email#token=(\S+)/);
  }

  #mailedToken(link: RegExp): string | undefined {
    const received = this.platform.emails.flatMap(({ text }) => link.exec(text)?.[1] ?? []);
    return this.world.pick(this.world.chance(0.7) ? received.slice(-2) : received);
  }

  /** A token of a link that ends e-mails, from any e-mail that was ever received. */
  unsubscribeToken(): string | undefined {
    return this.world.pick(this.platform.emails.flatMap(({ text }) => /\?token=([^&\s]+)/.exec(text)?.[1] ?? []));
  }
}

/** Whether the holder of an access token knows that it is of no use any more. */
export function needsSignIn({ expiresAt, isRefused }: Credential, now: number): boolean {
  return isRefused || expiresAt <= now;
}
