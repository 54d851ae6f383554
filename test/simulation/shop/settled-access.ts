import type { Platform } from '../history';
import type { ObservedLog } from './log';
import type { LoggedEvent } from './queries';

/** The events that end the older access tokens of an account, or those of an API key. */
const revoking: readonly string[] = [
  ...['UserRoleChanged', 'UserPasswordChanged', 'UserDeactivated', 'UserReactivated', 'UserDeleted'],
  'ApiKeyRevoked',
];

/**
 * Knows since when the access documents include each revocation, and none without it may still arrive in KV: then the
 * rows of `projections` have reached the event, and are not to be checked again.
 */
export class SettledAccess {
  /** The real time at which this was seen, by segment and position. */
  readonly #settledAt = new Map<string, number>();
  #pending: (LoggedEvent & { segment: number })[] = [];
  #segment = 0;
  #seen = 0;

  constructor(
    readonly platform: Pick<Platform, 'd1' | 'world'>,
    readonly log: ObservedLog,
  ) {}

  observe(): void {
    const { segment, current } = this.log;
    if (segment !== this.#segment) {
      this.#pending = [];
      [this.#segment, this.#seen] = [segment, current.base];
    }
    for (const event of current.events.slice(this.#seen)) {
      if (revoking.includes(event.type)) this.#pending.push({ ...event, segment });
    }
    this.#seen = current.events.length;
    this.#pending = this.#pending.filter((event) => !this.#isSettled(event));
  }

  #isSettled({ segment, position, type, streamId, data }: LoggedEvent & { segment: number }): boolean {
    const isKey = type === 'ApiKeyRevoked';
    const behind = this.platform.d1.query(
      `SELECT 1 FROM projections
       WHERE view LIKE ? AND key = ? AND (position < ? OR recheck_at IS NOT NULL)`,
      isKey ? 'api-keys@%' : 'access@%',
      isKey ? String(data.userId) : streamId,
      position,
    );
    if (behind.length > 0) return false;
    this.#settledAt.set(`${segment} ${position}`, this.platform.world.now);
    return true;
  }

  /** Undefined for a revocation that is not settled, and for a position that is none. */
  at(segment: number, position: number): number | undefined {
    return this.#settledAt.get(`${segment} ${position}`);
  }
}
