import { type Client, createClient } from '@frontdesk/client';
import { useLanguageOf } from './language';
import { type Person, renew, SessionOverError, session, start } from './session';

/** The typed client of the person who is signed in. */
let client: Client | undefined;

/** Every route of the API, by its path. */
export function api(): Client['api'] {
  if (!client) throw new Error('A screen asked the API without a session.');
  return client.api;
}

async function open(accessToken: string): Promise<void> {
  client = createClient(location.origin, { accessToken, renew });
  const { id, name, email, role } = await (await client.api.users.me.$get()).json();
  const settings = await (await client.api.users[':id'].settings.$get({ param: { id } })).json();
  const { value: earlier } = session;
  // What the screens show of the person before is not for another one.
  if (earlier.state === 'in' && earlier.person.id !== id) return location.reload();
  await useLanguageOf(settings);
  session.value = { state: 'in', person: { id, name, email, role } satisfies Person, hasEnded: false };
}

/** Signs in. @throws ProblemError when the API refuses, or does not answer */
export async function signIn(email: string, password: string): Promise<void> {
  await open(await start(email, password));
}

/** Continues the session of an earlier visit, if there is one. @throws ProblemError when the API does not answer */
export async function resume(): Promise<void> {
  try {
    await open(await renew());
  } catch (error) {
    if (!(error instanceof SessionOverError)) throw error;
    session.value = { state: 'out' };
  }
}
