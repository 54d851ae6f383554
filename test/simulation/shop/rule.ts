import type { Caller, Effect, State } from './state';

/** What the model knows about a request. */
export interface ModelRequest {
  name: string;
  // The payload belongs to the command that the name names, which the generators' types check.
  // biome-ignore lint/suspicious/noExplicitAny: one list of requests holds the payloads of all commands
  payload: any;
  caller: Caller | undefined;
  /** The version of `If-Match`. */
  expectedVersion: number | undefined;
  issuedAt: number;
  /** The names of the read models that the version knows. */
  views: readonly string[];
  /** The value of the variable `SELLERS`. */
  sellers: 'everyone' | 'staff';
  /** How long a link works that confirms an address, in milliseconds. */
  linkMs: number;
  /** The reset that a token of an e-mail belongs to; the model does not derive tokens. */
  resetOf(token: string): string | undefined;
  /** The link that a token of an e-mail belongs to. */
  linkOf(token: string): string | undefined;
}

/** What the code chose by itself, as its events and its answer show it. */
export interface Chosen {
  /** The id of what was created. */
  id: string;
  refreshToken: string;
  /** The link that was made to confirm an address. */
  linkId: string;
}

export interface Done {
  /** Each event as `type stream version`. */
  events: readonly string[];
  /** Undefined where the model does not predict it, such as tokens. */
  result?: unknown;
  effect: Effect;
}

/** What may happen to a command in a state: it is carried out, or refused with a code. */
export type Outcome = Done | { refused: string };

export type Rule = (state: State, request: ModelRequest, chosen: Chosen) => Outcome | readonly Outcome[];

export const refuse = (refused: string): Outcome => ({ refused });
export const nothing = (result?: unknown): Outcome => ({ events: [], result, effect: (state) => state });
export const isoTime = (ms: number) => new Date(ms).toISOString();

/** Why a caller may not send any command; undefined for a caller with a valid token. */
export function refuseCaller({ users }: State, caller: Caller | undefined): Outcome | undefined {
  if (!caller) return refuse('auth.required');
  const account = users.get(caller.userId);
  const isValid = account?.isActive === true && account.generation === caller.tokenGeneration;
  return isValid ? undefined : refuse('auth.invalid-token');
}

/** A rule for callers with a valid token, and where `staff` is set, for these roles only. */
export function signedIn(
  rule: (state: State, request: ModelRequest & { caller: Caller }, chosen: Chosen) => Outcome | readonly Outcome[],
  ...allowed: readonly string[]
): Rule {
  return (state, request, chosen) => {
    const { caller } = request;
    const refusal = refuseCaller(state, caller);
    if (refusal || !caller) return refusal ?? refuse('auth.required');
    if (allowed.length > 0 && !allowed.includes(caller.role)) return refuse('auth.insufficient-role');
    return rule(state, { ...request, caller }, chosen);
  };
}

/** Whether `If-Match` names another version than the current one. */
export function isOtherVersion({ expectedVersion }: ModelRequest, version: number): boolean {
  return expectedVersion !== undefined && expectedVersion !== version;
}
