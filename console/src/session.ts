import { ProblemError } from '@frontdesk/client';
import { computed, signal } from '@preact/signals';

// The refresh token is in a cookie that no script can read. The access token is only in the memory of this page.

/** The account of the person at this console. */
export interface Person {
  id: string;
  name: string;
  email: string;
  role: 'customer' | 'agent' | 'admin';
}

/** `starting` until the cookie of an earlier visit has been tried. After its end a session has to be started again. */
type Session = { state: 'starting' } | { state: 'out' } | { state: 'in'; person: Person; hasEnded: boolean };

export const session = signal<Session>({ state: 'starting' });

/** The person who is signed in; screens are shown to nobody else. */
export const person = computed(() => {
  if (session.value.state !== 'in') throw new Error('A screen is shown without a session.');
  return session.value.person;
});

export const isAdmin = computed(() => session.value.state === 'in' && session.value.person.role === 'admin');

const path = '/v1/auth/session';

interface Grant {
  accessToken: string;
}

async function send(method: 'POST' | 'DELETE', url: string, body?: object): Promise<Response> {
  const json = body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(url, { method, ...json });
  if (response.ok) return response;
  const problem = await response.json().catch(() => undefined);
  throw new ProblemError(response.status, problem?.code ?? 'http.error', problem, problem?.detail ?? '');
}

const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** There is no session, or none any more. */
export class SessionOverError extends Error {
  override readonly name = 'SessionOverError';
}

/** Whether an access token, which is a JWT, is for an account. */
function isFor(accessToken: string, { id }: Person): boolean {
  const [, claims = ''] = accessToken.split('.');
  return JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))).sub === id;
}

/**
 * Gets a new access token. All tabs share the cookie, so only one of them may use it at a time.
 * @throws SessionOverError; TypeError or ProblemError when the API does not answer
 */
export async function renew(): Promise<string> {
  return navigator.locks.request('frontdesk-session', async () => {
    for (;;) {
      try {
        const response = await send('POST', `${path}/refresh`);
        const { session: renewed } = (await response.json()) as { session: Grant | null };
        const { value: current } = session;
        // Somebody else can have signed in by another tab. What this person has typed here is not to be sent in that name.
        if (renewed && (current.state !== 'in' || isFor(renewed.accessToken, current.person)))
          return renewed.accessToken;
        if (current.state === 'in') session.value = { ...current, hasEnded: true };
        throw new SessionOverError('There is no session any more. Sign in again.');
      } catch (error) {
        if (!(error instanceof ProblemError) || error.code !== 'auth.refresh-raced') throw error;
        // A page that was closed in the midst of its refresh has got the new cookie; the answer that sets it may still come.
        await wait(1);
      }
    }
  });
}

/** Signs in, and returns the access token. @throws ProblemError `auth.invalid-grant` for a wrong address or password */
export async function start(email: string, password: string): Promise<string> {
  return ((await (await send('POST', path, { email, password })).json()) as Grant).accessToken;
}

/** Ends the session in all tabs that share its cookie. */
export async function end(): Promise<void> {
  await send('DELETE', path);
  session.value = { state: 'out' };
}
