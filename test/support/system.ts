import { createExecutionContext, createMessageBatch, getQueueResult, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { Role } from '../../src/access/caller';
import { createApp } from '../../src/app';
import { compose, type Overrides } from '../../src/composition';
import type { AddressedEnvelope } from '../../src/consumers/dispatch';
import type { Subscription } from '../../src/cqrs/log/event';
import type { RebuildStep } from '../../src/cqrs/reading/rebuild';
import type { Wait } from '../../src/platform/clock';
import { createIsolateFigures } from '../../src/platform/isolate-figures';
import { limits } from '../../src/platform/limits';
import { createLogger } from '../../src/platform/logger';
import { createTurns } from '../../src/platform/turns';
import { createConformance } from './conformance';
import { checkTriggers, forgetDocumentsOf } from './document-watch';
import { cheapParameters, password } from './factories';
import { createRecordingEmailSender } from './recording-email-sender';
import { tablesOf } from './tables';

/** A clock that a test moves forward. It starts at the real time, because D1 also takes times from the real clock. */
export function createTestClock() {
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    advance(ms: number) {
      ahead += ms;
    },
  };
}

/**
 * Whether the documents are checked after a request. Most commands of the tests are registrations and sign-ins; the check
 * after the next command includes their events. A refused request leaves no event.
 */
const isChecked = (method = 'GET', path: string, { status }: Response) =>
  method !== 'GET' &&
  path !== '/v1/auth/token' &&
  !(method === 'POST' && path === '/v1/users') &&
  !(status >= 400 && status < 500);

interface Described {
  /** The OpenAPI document as a text. */
  readDocument(): Promise<string>;
  /** Compares a response with the document. */
  conform: ReturnType<typeof createConformance>;
}

/** The OpenAPI documents, which take longer to make than most tests. */
const described = new Map<string, Described>();

/** The document for systems with these variables. It depends on nothing else that tests replace. */
function describeWith(env: Env, load: () => Promise<Response>): Described {
  const key = JSON.stringify(Object.entries(env).filter(([, value]) => typeof value === 'string'));
  const known = described.get(key);
  if (known) return known;
  let text: Promise<string> | undefined;
  const readDocument = () => {
    text ??= load().then((response) => response.text());
    return text;
  };
  const made = { readDocument, conform: createConformance(async () => new Response(await readDocument())) };
  described.set(key, made);
  return made;
}

const unlimited: RateLimit = { limit: async () => ({ success: true }) };

/**
 * The system on real D1 and KV. The queues hold their messages until the test delivers, doubles or drops them, and
 * passwords are hashed with parameters that cost nothing.
 */
/** The routes of a page's session take only requests of such a page; a test that wants another one says where it is from. */
function fromOwnPage(path: string, given: HeadersInit | undefined): Headers {
  const headers = new Headers(given);
  if (path.includes('/auth/session') && !headers.has('Origin') && !headers.has('Sec-Fetch-Site'))
    headers.set('Sec-Fetch-Site', 'same-origin');
  return headers;
}

export function createSystem(
  bindings: Partial<Env> = {},
  replaced: Pick<Overrides, 'figures' | 'hashing' | 'wait'> = {},
) {
  const clock = createTestClock();
  const sender = createRecordingEmailSender();
  const logs: string[] = [];
  const logger = createLogger({}, (line) => void logs.push(line));
  const sent: Record<Exclude<Subscription, 'events'>, AddressedEnvelope[]> = {
    projections: [],
    emails: [],
  };
  const rebuildMessages: RebuildStep[] = [];
  const points: AnalyticsEngineDataPoint[] = [];
  const requestPoints: AnalyticsEngineDataPoint[] = [];
  const queueOf = (subscription: Exclude<Subscription, 'events'>) =>
    ({
      sendBatch: async (messages: Iterable<MessageSendRequest<AddressedEnvelope>>) => {
        for (const { body } of messages) sent[subscription].push(structuredClone(body));
      },
      // Dispatch calls no other method.
    }) as unknown as Queue;
  // A wait moves the clock, and takes no time. A wait with a signal is a deadline, which no provider of a test reaches.
  const wait: Wait = (ms, options) => (options?.signal ? new Promise(() => {}) : Promise.resolve(clock.advance(ms)));
  const hashing = { turns: createTurns(() => limits.waitingHashes), parameters: cheapParameters };
  const figures = createIsolateFigures();
  const overrides: Overrides = { clock, emailSender: sender, logger, wait, hashing, figures, ...replaced };
  const testEnv: Env = {
    ...env,
    PROJECTIONS_QUEUE: queueOf('projections'),
    EMAILS_QUEUE: queueOf('emails'),
    REBUILDS_QUEUE: {
      send: async (message: RebuildStep) => void rebuildMessages.push(message),
      // The rebuilds' consumer and the commands call no other method.
    } as unknown as Queue,
    NETWORK_LIMIT: unlimited,
    REGISTRATION_LIMIT: unlimited,
    SIGN_IN_LIMIT: unlimited,
    RESET_LIMIT: unlimited,
    PASSWORD_CHECK_LIMIT: unlimited,
    ACCOUNT_LIMIT: unlimited,
    API_KEY_LIMIT: unlimited,
    WRONG_KEY_LIMIT: unlimited,
    ANALYTICS: { writeDataPoint: (point) => void points.push(point ?? {}) },
    REQUESTS: { writeDataPoint: (point) => void requestPoints.push(point ?? {}) },
    ...bindings,
  };
  /** The names of the commands and queries that requests have called. */
  const called: string[] = [];
  const recording = <Bound extends object>(bound: Bound) =>
    new Proxy(bound, {
      get(target, name) {
        called.push(String(name));
        return Reflect.get(target, name);
      },
    });
  const app = createApp((_env, waitUntil) => {
    const { bindCommands, bindQueries, ...rest } = compose(testEnv, waitUntil, overrides);
    return {
      ...rest,
      bindCommands: (contextOf) => recording(bindCommands(contextOf)),
      bindQueries: (readRequest) => recording(bindQueries(readRequest)),
    };
  });
  const services = () => compose(testEnv, () => {}, overrides);

  const { conform, readDocument } = describeWith(testEnv, async () =>
    app.request('/openapi.json', {}, { ...testEnv, NETWORK_LIMIT: unlimited }, createExecutionContext()),
  );

  async function request(path: string, { headers, ...rest }: RequestInit = {}): Promise<Response> {
    const init = { ...rest, headers: fromOwnPage(path, headers) };
    const context = createExecutionContext();
    const response = await app.request(path, init, testEnv, context);
    await waitOnExecutionContext(context);
    await conform(init.method ?? 'GET', path, response.clone());
    if (isChecked(init.method, path, response)) await checkTriggers();
    return response;
  }

  function send(method: string, path: string, body: unknown, headers: Record<string, string> = {}) {
    return request(path, {
      method,
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  /** Gives messages to the consumer of a queue, and returns which of them it acknowledged and which it retries. */
  async function deliver(queue: Subscription | 'dead-letters' | 'rebuilds', bodies: readonly unknown[]) {
    const messages = bodies.map((body, index) => ({ id: `m${index}`, timestamp: new Date(), attempts: 1, body }));
    const batch = createMessageBatch(`frontdesk-${queue}`, messages);
    const context = createExecutionContext();
    await compose(testEnv, (promise) => context.waitUntil(promise), overrides).consume(batch);
    await waitOnExecutionContext(context);
    const { explicitAcks, retryMessages } = await getQueueResult(batch, context);
    return { acked: explicitAcks, retried: retryMessages.map(({ msgId }) => msgId) };
  }

  /** Delivers every message that waits in a queue once, as queues do when nothing fails. */
  async function deliverQueues() {
    for (const subscription of ['projections', 'emails'] as const) {
      const messages = sent[subscription].splice(0);
      if (messages.length > 0) await deliver(subscription, messages);
    }
  }

  async function register(overrides: { role?: Role } = {}) {
    const email = `${crypto.randomUUID()}@example.com`;
    const response = await send('POST', '/v1/users', { name: 'Grace Hopper', email, password });
    const { id } = await response.json<{ id: string }>();
    if (overrides.role) {
      await env.DB.prepare('UPDATE users SET role = ? WHERE id = ?').bind(overrides.role, id).run();
      forgetDocumentsOf(id);
    }
    return { id, email, ...(await signIn(email)) };
  }

  async function signIn(email: string) {
    const body = new URLSearchParams({ grant_type: 'password', username: email, password });
    const response = await request('/v1/auth/token', { method: 'POST', body });
    const tokens = await response.json<{ access_token: string; refresh_token: string }>();
    return { bearer: { Authorization: `Bearer ${tokens.access_token}` }, refreshToken: tokens.refresh_token };
  }

  /** The token of the last link to a page that was mailed to an address; empty without one. */
  function mailedToken(email: string, page: 'confirm-email' | 'reset-password'): string {
    const link = new RegExp(`/${page}#token=(\\S+)`);
    const mails = sender.sent.filter(({ to, text }) => to.email === email && link.test(text));
    return link.exec(mails.at(-1)?.text ?? '')?.[1] ?? '';
  }

  /** Changes the address of an account as its owner does: asks for it, and uses the link that is mailed to it. */
  async function changeEmail(
    account: { id: string; bearer: Record<string, string> },
    email: string,
  ): Promise<Response> {
    await send('PATCH', `/v1/users/${account.id}`, { email, currentPassword: password }, account.bearer);
    await deliverQueues();
    const token = mailedToken(email, 'confirm-email');
    return send('POST', '/v1/auth/email-confirmation/confirm', { token });
  }

  return {
    app,
    called,
    changeEmail,
    clock,
    deliver,
    deliverQueues,
    env: testEnv,
    logs,
    mailedToken,
    points,
    readDocument,
    rebuildMessages,
    register,
    request,
    requestPoints,
    send,
    sender,
    sent,
    services,
    signIn,
  };
}

/** The tables that queues and the schedule write beside any request. */
const writtenInBackground = ['projections', 'reconciliation', 'shapes', 'watermarks'];

/** The tables of the migrated database, which no test leaves changed. */
let countedTables: string[] | undefined;

/** The number of rows in each table that commands write; a request that is refused changes none of them. */
export async function countRows(): Promise<Record<string, number>> {
  countedTables ??= (await tablesOf(env.DB))
    .map(({ name }) => name)
    .filter((name) => !writtenInBackground.includes(name));
  const sql = countedTables.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`).join(', ');
  return (await env.DB.prepare(`SELECT ${sql}`).first<Record<string, number>>()) ?? {};
}
