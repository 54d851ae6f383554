import type { Hono } from 'hono';
import { hc } from 'hono/client';
import type { BlankEnv } from 'hono/types';
import type { Problem, ProblemCode, Routes } from './client-types';

export type { Problem, ProblemCode } from './client-types';

/** A response with an error status. Decide by its `code`. */
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
  /** The refresh token of an earlier client, to continue its session. */
  refreshToken?: string;
  /** The access token that came with it. Without it the first request gets a new one. */
  accessToken?: string;
  /** Gets a new access token in another way than by a refresh token, as a page does whose session is in a cookie. */
  renew?(): Promise<string>;
  /** The API key of a program, which needs no session. */
  apiKey?: string;
  /** The largest number of times that a request is sent, if it is safe to repeat. */
  tries?: number;
  /** Waits between two tries; `ms` is milliseconds. */
  wait?(ms: number): Promise<unknown>;
}

type App = Hono<BlankEnv, Routes, '/'>;

/** A client of the API with the session of one account. */
export interface Client {
  /** Every route by its path, in the form of Hono's `hc`. */
  readonly api: ReturnType<typeof hc<App>>['v1'];
  /** @throws ProblemError `invalid_grant` for a wrong address or password */
  signIn(username: string, password: string): Promise<void>;
  signOut(): Promise<void>;
  /** The refresh token, with which a later client can continue this session; it is a secret. */
  refreshToken(): string | undefined;
  /** The access token, which lasts for some minutes; it is a secret. */
  accessToken(): string | undefined;
  /** The newest Consistency-Token that this client has received. */
  consistencyToken(): string | undefined;
}

interface Tokens {
  access: string | undefined;
  refresh: string;
}

const tokenPaths = ['/v1/auth/token', '/v1/auth/login'];
const retryable = [429, 500, 502, 503, 504];
const longestWaitMs = 60_000;

/**
 * Makes a typed client of the API. The client refreshes its access token by itself, sends the newest Consistency-Token
 * so that it reads its own writes, repeats requests that are safe to repeat (reads, and POST with an Idempotency-Key),
 * and throws a {@link ProblemError} for every refusal. A read fails with `http.database-unavailable` rather than show less
 * than the client has written.
 */
export function createClient(baseUrl: string, options: ClientOptions = {}): Client {
  const { fetch: send = fetch, tries = 4, wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) } = options;
  const base = baseUrl.replace(/\/$/, '');
  const { accessToken: access, refreshToken, renew } = options;
  let tokens: Tokens | undefined = refreshToken || renew ? { access, refresh: refreshToken ?? '' } : undefined;
  let refreshing: Promise<void> | undefined;
  let newestToken: string | undefined;
  /** Whether this client has sent a command without credentials, such as a registration, whose response has no token. */
  let hasUnprovenCommand = false;

  /** Keeps the newest Consistency-Token, because the responses to parallel commands can arrive in any order. */
  function keepNewestToken(response: Response): void {
    const token = response.headers.get('Consistency-Token');
    if (token !== null && (newestToken === undefined || isNewer(token, newestToken))) newestToken = token;
  }

  /**
   * Sends a request. If the API refuses the Consistency-Token, because its secret has changed since, the client forgets
   * the token and sends the request once more without it; the refused request has had no effect.
   */
  async function sendWithToken(url: string, init: RequestInit & { headers: Headers }): Promise<Response> {
    const response = await sendWithRetries(url, init);
    const used = init.headers.get('Consistency-Token');
    if (response.status !== 400 || used === null) return response;
    const { code } = await toError(response.clone());
    if (code !== 'http.invalid-consistency-token') return response;
    if (newestToken === used) newestToken = undefined;
    init.headers.delete('Consistency-Token');
    return sendWithRetries(url, init);
  }

  function withHeaders(url: string, init: RequestInit): Headers {
    const headers = new Headers(init.headers);
    const isTokenRequest = tokenPaths.includes(new URL(url).pathname);
    const credential = options.apiKey ?? tokens?.access;
    if (credential && !isTokenRequest && !headers.has('Authorization')) {
      headers.set('Authorization', `Bearer ${credential}`);
    }
    if (newestToken !== undefined && !headers.has('Consistency-Token')) headers.set('Consistency-Token', newestToken);
    if (init.method === 'POST' && !isTokenRequest && !headers.has('Idempotency-Key')) {
      headers.set('Idempotency-Key', crypto.randomUUID());
    }
    return headers;
  }

  /** Sends a request, and repeats it after a failure that can pass, if repeating is safe. */
  async function sendWithRetries(url: string, init: RequestInit): Promise<Response> {
    const isSafe = ['GET', 'HEAD'].includes(init.method ?? 'GET') || new Headers(init.headers).has('Idempotency-Key');
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt >= tries;
      const response = await send(url, init)
        .then(withBody)
        .catch((error: unknown) => {
          if (isLast || !isSafe) throw error;
          return undefined;
        });
      // A request that a rate limit refused has had no effect, so every such request can be repeated.
      const repeatable = isSafe ? retryable : [429];
      const atLeastMs = retryAfterMs(response) ?? 0;
      const isOver = isLast || atLeastMs > longestWaitMs;
      if (response && (isOver || !repeatable.includes(response.status))) return response;
      // The random part keeps clients that failed together from coming back together.
      await wait(atLeastMs + 50 * 2 ** attempt * (1 + Math.random()));
    }
  }

  async function requestTokens(form: Record<string, string>): Promise<void> {
    const url = `${base}${tokenPaths[0]}`;
    // The Consistency-Token of this response is kept only if the client has to read what it did as a stranger. With it
    // every document that is older than the sign-in would be read from D1 during the first minute.
    const response = await sendWithRetries(url, { method: 'POST', body: new URLSearchParams(form) });
    if (!response.ok) throw await toError(response);
    if (hasUnprovenCommand) keepNewestToken(response);
    hasUnprovenCommand = false;
    const { access_token: access, refresh_token: refresh } = (await response.json()) as Record<string, string>;
    if (!access || !refresh) throw new Error('The token endpoint returned no tokens.');
    tokens = { access, refresh };
  }

  async function renewTokens(): Promise<void> {
    if (!renew) return requestTokens({ grant_type: 'refresh_token', refresh_token: tokens?.refresh ?? '' });
    tokens = { access: await renew(), refresh: '' };
  }

  /** Parallel calls share one refresh, because a second use of the refresh token would count as theft. */
  function refresh(): Promise<void> {
    refreshing ??= renewTokens().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function request(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
    const url = new URL(input instanceof Request ? input.url : input).href;
    if (tokens && tokens.access === undefined) await refresh();
    const used = tokens?.access;
    const headers = withHeaders(url, init);
    let response = await sendWithToken(url, { ...init, headers });
    const isExpired =
      response.status === 401 && used !== undefined && headers.get('Authorization') === `Bearer ${used}`;
    if (isExpired) {
      // A parallel call may have refreshed the token in the meantime.
      if (tokens?.access === used) await refresh();
      headers.set('Authorization', `Bearer ${tokens?.access}`);
      response = await sendWithToken(url, { ...init, headers });
    }
    keepNewestToken(response);
    if (response.ok && init.method === 'POST' && !response.headers.has('Consistency-Token')) hasUnprovenCommand = true;
    if (!response.ok && response.status !== 304) throw await toError(response);
    return response;
  }

  return {
    api: hc<App>(base, { fetch: request }).v1,
    signIn: (username: string, password: string) => requestTokens({ grant_type: 'password', username, password }),
    async signOut() {
      const refreshToken = tokens?.refresh;
      tokens = undefined;
      if (refreshToken === undefined) return;
      const headers = { 'Content-Type': 'application/json' };
      await request(`${base}/v1/auth/logout`, { method: 'POST', headers, body: JSON.stringify({ refreshToken }) });
    },
    refreshToken: () => tokens?.refresh,
    accessToken: () => tokens?.access,
    consistencyToken: () => newestToken,
  };
}

/** Reads the whole body, so that a response that ends too early fails here and can be requested again. */
async function withBody(response: Response): Promise<Response> {
  const { headers, status, statusText } = response;
  const body = await response.arrayBuffer();
  return new Response(body.byteLength === 0 ? null : body, { headers, status, statusText });
}

/** Reads of a Consistency-Token what tells which of two is newer. Only the API can check it, and it reads the rest. */
function readOrder(token: string): { epoch: string; position: number } {
  const [payload = ''] = token.split('.');
  const { e, p } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
  return { epoch: e, position: p };
}

function isNewer(token: string, than: string): boolean {
  const [next, last] = [readOrder(token), readOrder(than)];
  return next.epoch !== last.epoch || next.position >= last.position;
}

/** `Retry-After` is a number of seconds or a date (RFC 9110, 10.2.3). */
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
    // The API sends this media type only with bodies of the schema `problem`.
    const problem = body as unknown as Problem;
    return new ProblemError(response.status, problem.code, problem, problem.detail);
  }
  // A body with `error` comes from the token endpoint, whose schema lists the codes.
  const code = (text(body?.error) as ProblemCode | undefined) ?? 'http.error';
  return new ProblemError(response.status, code, undefined, text(body?.error_description) ?? `HTTP ${response.status}`);
}
