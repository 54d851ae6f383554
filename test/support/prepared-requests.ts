import { env } from 'cloudflare:workers';
import { address, password } from './factories';
import type { createSystem } from './system';

type System = ReturnType<typeof createSystem>;
type Account = Awaited<ReturnType<System['register']>>;

const keyBody = { name: 'Scanner', scopes: ['orders:read'] };
const price = { amount: 100, currency: 'EUR' };

/**
 * Prepares, for each operation of the OpenAPI document, a request that succeeds for an admin. The resource that the
 * operation needs is created for the request alone.
 * @param admin who creates the resource, and thereby owns it
 * @param operator who does what must happen before the operation can succeed
 */
export function createRequestPreparer(system: System, admin: Account, operator = admin) {
  const { deliverQueues, mailedToken, register, request, send } = system;

  async function create(path: string, body: object): Promise<string> {
    const response = await send('POST', path, body, admin.bearer);
    return (await response.json<{ id: string }>()).id;
  }

  const registration = () => ({ name: 'Grace Hopper', email: `${crypto.randomUUID()}@example.com`, password });
  const createItem = () => create('/v1/items', { title: 'a', price, stock: 5 });

  async function orderBody() {
    return { items: [{ itemId: await createItem(), quantity: 1 }], shippingAddress: address };
  }

  async function createDeadLetter(): Promise<string> {
    await createItem();
    const letter = await env.DB.prepare(
      `INSERT INTO deliveries (position, subscription, available_at, status)
       SELECT max(position), 'events', 0, 'dead' FROM events RETURNING position`,
    ).first<{ position: number }>();
    return `${letter?.position}-events`;
  }

  async function replayDeadLetter(): Promise<void> {
    const ids = [await createDeadLetter()];
    await send('POST', '/v1/operations/dead-letters/replay', { ids }, operator.bearer);
  }

  /** A view can have one running rebuild, so the rebuilds of earlier requests are cancelled first. */
  async function cancelRebuilds(): Promise<void> {
    await env.DB.prepare("UPDATE rebuilds SET status = 'cancelled' WHERE status = 'running'").run();
  }

  async function createRebuild(): Promise<string> {
    await cancelRebuilds();
    return create('/v1/operations/projections/item/rebuild', {});
  }

  async function requestResetToken(): Promise<string> {
    const { email } = await register();
    await send('POST', '/v1/auth/password-reset', { email });
    await deliverQueues();
    return mailedToken(email, 'reset-password');
  }

  async function requestConfirmationToken(): Promise<string> {
    const { email } = await register();
    await deliverQueues();
    return mailedToken(email, 'confirm-email');
  }

  /** How the resource of a path with an id is created, by the start of the path. */
  const resources: Record<string, () => Promise<string>> = {
    '/v1/users/{id}': () => create('/v1/users', registration()),
    '/v1/api-keys/{id}': () => create('/v1/api-keys', keyBody),
    '/v1/items/{id}': createItem,
    '/v1/orders/{id}': async () => create('/v1/orders', await orderBody()),
    '/v1/tickets/{id}': () => create('/v1/tickets', { subject: 'a', message: 'b' }),
    '/v1/operations/dead-letters/{id}': createDeadLetter,
    '/v1/operations/rebuilds/{id}': createRebuild,
  };

  /** Adds the session that the path names. */
  async function addSession(path: string): Promise<void> {
    const [userId, , id] = path.split('/').slice(3);
    await env.DB.prepare(
      "INSERT INTO sessions (id, user_id, version, created_at) VALUES (?, lower(?), 1, '2026-01-01T00:00:00.000Z')",
    )
      .bind(id, userId)
      .run();
  }

  const bodies: Record<string, () => Promise<object>> = {
    'POST /v1/auth/logout': async () => ({ refreshToken: (await register()).refreshToken }),
    'POST /v1/auth/password-reset': async () => ({ email: (await register()).email }),
    'POST /v1/auth/password-reset/confirm': async () => ({ token: await requestResetToken(), password }),
    'POST /v1/auth/email-confirmation/confirm': async () => ({ token: await requestConfirmationToken() }),
    'POST /v1/users': async () => registration(),
    'PATCH /v1/users/{id}': async () => ({ name: 'Changed' }),
    'PATCH /v1/users/{id}/settings': async () => ({ locale: 'de' }),
    'POST /v1/users/{id}/role': async () => ({ role: 'agent' }),
    'POST /v1/api-keys': async () => keyBody,
    'POST /v1/service-accounts': async () => ({ name: 'Robot', role: 'agent' }),
    'POST /v1/items': async () => ({ title: 'a', price }),
    'PATCH /v1/items/{id}': async () => ({ isActive: false }),
    'POST /v1/orders': orderBody,
    'POST /v1/tickets': async () => ({ subject: 'a', message: 'b' }),
    'POST /v1/tickets/{id}/status': async () => ({ status: 'triaged' }),
    'POST /v1/tickets/{id}/notes': async () => ({ note: 'a' }),
    'POST /v1/tickets/{id}/replies': async () => ({ message: 'a' }),
    'POST /v1/tickets/{id}/assignee': async () => ({ assigneeId: operator.id }),
    'POST /v1/operations/dead-letters/replay': async () => ({}),
    'POST /v1/operations/dead-letters/discard': async () => ({ subscription: 'events', error: null }),
  };

  const act = (path: string) => request(path, { method: 'POST', headers: operator.bearer });

  /** What must happen before an operation can succeed for an admin. */
  const preparations: Record<string, (path: string) => Promise<unknown>> = {
    'POST /v1/users/{id}/reactivate': (path) => act(path.replace('reactivate', 'deactivate')),
    'DELETE /v1/users/{id}/sessions/{sessionId}': addSession,
    'POST /v1/orders/{id}/deliver': (path) => act(path.replace('deliver', 'ship')),
    'POST /v1/operations/dead-letters/replay': createDeadLetter,
    'POST /v1/operations/dead-letters/discard': createDeadLetter,
    'GET /v1/operations/dead-letter-decisions/{decision}': replayDeadLetter,
    'POST /v1/operations/projections/{view}/rebuild': cancelRebuilds,
  };

  /**
   * Returns the path of the prepared request, and a function that sends the request with the given headers.
   * @param spell changes how the id is written in the path
   */
  return async function prepare(method: string, template: string, spell = (id: string) => id) {
    const name = `${method} ${template}`;
    const createResource = Object.entries(resources).find(([start]) => template.startsWith(start))?.[1];
    if (template.includes('{id}') && !createResource) {
      throw new Error(`Say how to create the resource of ${template}: add it to resources in prepared-requests.ts.`);
    }
    const id = createResource ? await createResource() : '';
    const path = template
      .replace('{id}', spell(id))
      .replace('{view}', 'user')
      .replace('{key}', admin.id)
      .replace('{position}', '1')
      .replace('{decision}', '1')
      .replace('{sessionId}', crypto.randomUUID())
      .replace('{type}/{version}', 'frontdesk.TicketOpened/1');
    await preparations[name]?.(path);
    const body = await bodies[name]?.();
    const sendWith = (headers: Record<string, string> = {}) =>
      body ? send(method, path, body, headers) : request(path, { method, headers });
    return { path, sendWith };
  };
}
