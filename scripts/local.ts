// The running API that a script talks to: by default the one that `npm run dev` started on this machine.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { type Client, createClient, ProblemError } from '../src/client';
import { fail } from './command-line';
import { findRunningDev, localUrl } from './running-dev';

const { FRONTDESK_URL, PORT } = process.env;
/** The address that the environment names, or that of the `npm run dev` of this folder. */
export const url = (FRONTDESK_URL || (PORT ? localUrl(PORT) : (findRunningDev()?.url ?? localUrl(8787)))).replace(
  /\/+$/,
  '',
);

/** The admin of the environment's variables, or of the `.dev.vars` that `npm run dev` made. */
export function readAdmin() {
  const local = existsSync('.dev.vars') ? parseEnv(readFileSync('.dev.vars', 'utf8')) : {};
  const { FIRST_ADMIN_EMAIL: email, FIRST_ADMIN_PASSWORD: password } = { ...local, ...process.env };
  if (!email || !password) throw new Error('Set FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD, or start `npm run dev`.');
  return { email, password };
}

/** A client that is signed in as the admin. */
export async function signInAsAdmin() {
  const { email, password } = readAdmin();
  const client = createClient(url);
  await client.signIn(email, password);
  return client;
}

const sessionPath = '.wrangler/ops-session.json';

/**
 * Runs work with a client that is signed in as the admin, and keeps the session for the next run: signing in is limited
 * to a few times in a minute and costs a password hash, and both signing in and refreshing write an event.
 */
export async function withAdminSession(work: (client: Client) => Promise<unknown>): Promise<void> {
  const { email, password } = readAdmin();
  const session = readSession(email);
  const client = createClient(url, session);
  // Also when the work fails or is interrupted: a refresh token that was used must not be used again.
  process.once('exit', () => keepSession(email, client));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  if (session.refreshToken !== undefined) {
    const isDone = await work(client).then(() => true, isEnded);
    if (isDone) return;
  }
  await client.signIn(email, password);
  await work(client);
}

interface Session {
  refreshToken?: string;
  accessToken?: string;
}

function keepSession(email: string, client: Client) {
  const [refreshToken, accessToken] = [client.refreshToken(), client.accessToken()];
  if (refreshToken === undefined) return;
  mkdirSync('.wrangler', { recursive: true });
  // Whoever has these tokens is the admin, so nobody else may read the file.
  writeFileSync(sessionPath, JSON.stringify({ url, email, refreshToken, accessToken }), { mode: 0o600 });
}

/** The kept session, if that is one of this account at this API. */
function readSession(email: string): Session {
  if (!existsSync(sessionPath)) return {};
  try {
    const { refreshToken, accessToken, ...kept } = JSON.parse(readFileSync(sessionPath, 'utf8'));
    return kept.url === url && kept.email === email ? { refreshToken, accessToken } : {};
  } catch {
    // A file that cannot be read keeps nobody out: signing in writes it again.
    return {};
  }
}

/** False for a session that has ended; every other error is thrown, because it does not say that the session ended. */
function isEnded(error: unknown): false {
  if (error instanceof ProblemError && error.code === 'invalid_grant') return false;
  throw error;
}

/** Ends the program; a refusal is printed with the fields that are wrong, and silence with the address that is silent. */
export function failOfApi(error: unknown): never {
  if (!/^https?:/.test(url) || !URL.canParse(url))
    return fail(`"${url}" is not the address of an API. Correct FRONTDESK_URL or PORT, or leave both out.`);
  const isSilent = error instanceof TypeError && error.message === 'fetch failed';
  if (error instanceof ProblemError) {
    const wrong = error.problem?.errors?.map(({ pointer, detail }) => `  ${pointer}: ${detail}`) ?? [];
    return fail([error.message, ...wrong].join('\n'));
  }
  if (!isSilent) return fail(error);
  return fail(`No API answers at ${url}. Start one with \`npm run dev\`, or set FRONTDESK_URL or PORT.`);
}
