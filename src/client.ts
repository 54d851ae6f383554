import { hc } from 'hono/client';
import type { z } from 'zod';
import type { AppType } from './app';
import type { tokenError } from './auth/schemas';
import { decodeConsistencyToken } from './cqrs/log/consistency-token';
import type { ErrorCode } from './domains';
import type { problem } from './http/problem';

/** Problem details (RFC 9457). Each code has a page at `/problems/{code}`. */
export type Problem = z.infer<typeof problem> & { code: ErrorCode };

/**
 * Every code that a client can switch over: the API's catalogue, the codes of the token endpoint (RFC 6749), and
 * `http.error` for a response that is neither, such as a proxy's.
 */
export type ProblemCode = ErrorCode | z.infer<typeof tokenError>['error'] | 'http.error';

/** A refusal. Decide by its `code`. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  constructor(
    readonly status: number,
    readonly code: ProblemCode,
    readonly problem: Problem | undefined,
    message: string,
  ) {
    super(message);
  }
}

export interface ClientOptions {
  fetch?: typeof fetch;
  /** Takes up a session where an earlier client left it. */
  refreshToken?: string;
  /** How often a request that is safe to repeat is sent at most. */
  tries?: number;
  /** Waits between two tries, in milliseconds. */
  wait?(ms: number): Promise<unknown>;
}

interface Tokens {
  access: string | undefined;
  refresh: string;
}

const tokenPaths = ['/v1/auth/token', '/v1/auth/login'];
const retryable = [429, 500, 502, 503, 504];
const longestWaitMs = 60_000;

/**
 * A typed client of the API. It signs in and refreshes by itself (once for parallel calls), carries the
 * Consistency-Token so that it reads its own writes, repeats what is safe to repeat (reads, and commands under one
 * Idempotency-Key), and throws a {@link ProblemError} for every refusal.
 */
export function createClient(baseUrl: string, options: ClientOptions = {}) {
  const { fetch: send = fetch, tries = 4, wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) } = options;
  const base = baseUrl.replace(/\/$/, '');
  let tokens: Tokens | undefined = options.refreshToken
    ? { access: undefined, refresh: options.refreshToken }
    : undefined;
  let refreshing: Promise<void> | undefined;
  let seen: string | undefined;

  /** Keeps the newest token: answers to parallel commands come in any order. */
  function note(response: Response): void {
    const token = response.headers.get('Consistency-Token');
    if (token !== null && (seen === undefined || isNewer(token, seen))) seen = token;
  }

  function withHeaders(url: string, init: RequestInit): Headers {
    const headers = new Headers(init.headers);
    const isToken = tokenPaths.includes(new URL(url).pathname);
    if (tokens?.access && !isToken && !headers.has('Authorization')) {
      headers.set('Authorization', `Bearer ${tokens.access}`);
    }
    if (seen !== undefined && !headers.has('Consistency-Token')) headers.set('Consistency-Token', seen);
    if (init.method === 'POST' && !isToken && !headers.has('Idempotency-Key')) {
      headers.set('Idempotency-Key', crypto.randomUUID());
    }
    return headers;
  }

  /** Sends until there is an answer that repeating would not change. */
  async function sendSafely(url: string, init: RequestInit): Promise<Response> {
    const isSafe = ['GET', 'HEAD'].includes(init.method ?? 'GET') || new Headers(init.headers).has('Idempotency-Key');
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt >= tries;
      const response = await send(url, init)
        .then(receive)
        .catch((error: unknown) => {
          if (isLast || !isSafe) throw error;
          return undefined;
        });
      // What a rate limit turned away has not been looked at: it can be sent again, whatever it is.
      const mayRepeat = isSafe ? retryable : [429];
      if (response && (isLast || !mayRepeat.includes(response.status))) return response;
      await wait(Math.min(longestWaitMs, retryAfterMs(response) ?? 100 * 2 ** attempt * (0.5 + Math.random() / 2)));
    }
  }

  async function grant(form: Record<string, string>): Promise<void> {
    const url = `${base}${tokenPaths[0]}`;
    // Its Consistency-Token is let go: it stands for the time of the last sign-in alone, and would keep every document
    // that is older from being read from KV.
    const response = await sendSafely(url, { method: 'POST', body: new URLSearchParams(form) });
    if (!response.ok) throw await toError(response);
    const { access_token: access, refresh_token: refresh } = (await response.json()) as Record<string, string>;
    if (!access || !refresh) throw new Error('the token endpoint answered without tokens');
    tokens = { access, refresh };
  }

  /** Parallel calls share one refresh: a second one would look like a stolen token. */
  function refresh(): Promise<void> {
    refreshing ??= grant({ grant_type: 'refresh_token', refresh_token: tokens?.refresh ?? '' }).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function request(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
    const url = new URL(input instanceof Request ? input.url : input).href;
    if (tokens && tokens.access === undefined) await refresh();
    const used = tokens?.access;
    const headers = withHeaders(url, init);
    let response = await sendSafely(url, { ...init, headers });
    const isExpired =
      response.status === 401 && used !== undefined && headers.get('Authorization') === `Bearer ${used}`;
    if (isExpired) {
      // Another call may have refreshed it meanwhile.
      if (tokens?.access === used) await refresh();
      headers.set('Authorization', `Bearer ${tokens?.access}`);
      response = await sendSafely(url, { ...init, headers });
    }
    note(response);
    if (!response.ok && response.status !== 304) throw await toError(response);
    return response;
  }

  return {
    /** Every route by its path, as Hono's `hc` has it. */
    api: hc<AppType>(base, { fetch: request }).v1,
    /** @throws ProblemError `invalid_grant` for a wrong address or password. */
    signIn: (username: string, password: string) => grant({ grant_type: 'password', username, password }),
    async signOut() {
      const refreshToken = tokens?.refresh;
      tokens = undefined;
      if (refreshToken === undefined) return;
      const headers = { 'Content-Type': 'application/json' };
      await request(`${base}/v1/auth/logout`, { method: 'POST', headers, body: JSON.stringify({ refreshToken }) });
    },
    /** What a later client needs to go on with this session; a secret. */
    refreshToken: () => tokens?.refresh,
    /** The newest state that this client has seen. */
    consistencyToken: () => seen,
  };
}

export type Client = ReturnType<typeof createClient>;

/** The answer with its whole body: one that breaks off half way is as good as none, and can be asked for again. */
async function receive(response: Response): Promise<Response> {
  const { headers, status, statusText } = response;
  const body = await response.arrayBuffer();
  return new Response(body.byteLength === 0 ? null : body, { headers, status, statusText });
}

function isNewer(token: string, than: string): boolean {
  const [next, last] = [decodeConsistencyToken(token), decodeConsistencyToken(than)];
  return next.epoch !== last.epoch || next.position >= last.position;
}

/** In seconds or as a date (RFC 9110, 10.2.3). */
function retryAfterMs(response: Response | undefined): number | undefined {
  const header = response?.headers.get('Retry-After');
  if (!header) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

async function toError(response: Response): Promise<ProblemError> {
  const body = (await response.json().catch(() => undefined)) as Record<string, unknown> | undefined;
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  if (response.headers.get('Content-Type')?.startsWith('application/problem+json') && body) {
    // The API's own schema made it.
    const problem = body as unknown as Problem;
    return new ProblemError(response.status, problem.code, problem, problem.detail);
  }
  // The token endpoint's own schema made it, or nothing of ours did.
  const code = (text(body?.error) as ProblemCode | undefined) ?? 'http.error';
  return new ProblemError(response.status, code, undefined, text(body?.error_description) ?? `HTTP ${response.status}`);
}
