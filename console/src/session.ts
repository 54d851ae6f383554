import { ProblemError } from '@frontdesk/client';
import { computed, signal } from '@preact/signals';
import { setClock } from './clock';
import { forgetDrafts } from './draft-storage';

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
  setClock(response.headers.get('Date'));
  if (response.ok) return response;
  const problem = await response.json().catch(() => undefined);
  throw new ProblemError(response.status, problem?.code ?? 'http.error', problem, problem?.detail ?? '');
}

function setEnded(hasEnded: boolean): void {
  const { value: known } = session;
  if (known.state === 'in' && known.hasEnded !== hasEnded) session.value = { ...known, hasEnded };
}

const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** There is no session, or none any more. */
export class SessionOverError extends Error {
  override readonly name = 'SessionOverError';
}

/** Forgets what this tab has of a person who signs out. The page is loaded anew, so that neither its memory nor its address keeps anything. */
function leave(account: string): void {
  forgetDrafts(account);
  if (session.value.state === 'in' && session.value.person.id === account) location.replace('/console');
}

/** Tells the other tabs, which share the cookie, that a session has begun, or who has signed out. */
const tabs = new BroadcastChannel(path);
tabs.onmessage = ({ data: signedOut }: MessageEvent<string | undefined>) => {
  if (signedOut) return leave(signedOut);
  if (session.value.state !== 'in') return;
  // What could not be looked at is seen by the next renewal.
  renew().catch((error) => error instanceof SessionOverError && location.reload());
};

/** Whether a token is for the person whose screens this page shows; before it shows any, every token is. */
function isOfPerson(accessToken: string): boolean {
  if (session.value.state !== 'in') return true;
  const [, claims = ''] = accessToken.split('.');
  const { sub } = JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/')));
  return sub === session.value.person.id;
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
        if (!renewed) {
          setEnded(true);
          throw new SessionOverError('There is no session any more. Sign in again.');
        }
        if (isOfPerson(renewed.accessToken)) {
          // The person may have signed in again in another tab.
          setEnded(false);
          return renewed.accessToken;
        }
        // Somebody else has signed in, in another tab. What waits for this token must not be done for them.
        location.reload();
        return new Promise<never>(() => undefined);
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
  const { accessToken } = (await (await send('POST', path, { email, password })).json()) as Grant;
  tabs.postMessage(undefined);
  return accessToken;
}

/** Ends the session in all tabs, which keep nothing of the person. */
export async function end(): Promise<void> {
  const { id } = person.value;
  await send('DELETE', path);
  tabs.postMessage(id);
  leave(id);
  // Until the page has gone nothing is read again: it would be refused.
  await new Promise(() => undefined);
}
