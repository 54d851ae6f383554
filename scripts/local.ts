// The running API that a script talks to: by default the one that `npm run dev` started on this machine.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { type Client, createClient, ProblemError } from '../src/client';
import { WrongUsage } from './command-line';
import { describeFailure } from './failures';
import { findRunningDev, localUrl } from './running-dev';

const { FRONTDESK_URL, PORT } = process.env;
/** The address that the environment names, or that of the `npm run dev` of this folder. */
export const url = (FRONTDESK_URL || (PORT ? localUrl(PORT) : (findRunningDev()?.url ?? localUrl(8787)))).replace(
  /\/+$/,
  '',
);

/** Whether the API is the `npm run dev` of this folder, whose e-mails and database a script can reach. */
export const isOwnDev = (): boolean => findRunningDev()?.url === url;

interface Account {
  email: string;
  password: string;
}

function findAdmin(): Account | undefined {
  const local = existsSync('.dev.vars') ? parseEnv(readFileSync('.dev.vars', 'utf8')) : {};
  const { FIRST_ADMIN_EMAIL: email, FIRST_ADMIN_PASSWORD: password } = { ...local, ...process.env };
  return email && password ? { email, password } : undefined;
}

/** The admin of the environment's variables, or of the `.dev.vars` that `npm run dev` made. */
export function readAdmin(): Account {
  const admin = findAdmin();
  if (!admin) throw new WrongUsage('Set FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD, or start `npm run dev`.');
  return admin;
}

/** The account that the environment names for the command line, or else the admin. */
function readAccount(): Account {
  const { FRONTDESK_EMAIL: email, FRONTDESK_PASSWORD: password } = process.env;
  const account = email && password ? { email, password } : findAdmin();
  if (Boolean(email) !== Boolean(password) || !account)
    throw new WrongUsage(
      'Set FRONTDESK_TOKEN, or both FRONTDESK_EMAIL and FRONTDESK_PASSWORD, or start `npm run dev`.',
    );
  return account;
}

/** A client that is signed in as the admin. */
export async function signInAsAdmin() {
  const { email, password } = readAdmin();
  const client = createClient(url);
  await client.signIn(email, password);
  return client;
}

const sessionPath = '.wrangler/ops-session.json';

/** A client with the credential of `FRONTDESK_TOKEN`, such as an API key, which is sent as it is and never refreshed. */
function createTokenClient(token: string): Client {
  return createClient(url, {
    fetch: (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set('Authorization', `Bearer ${token}`);
      return fetch(input, { ...init, headers });
    },
  });
}

/**
 * Runs work with a client that is signed in as the account of the environment, and keeps the session for the next run:
 * signing in is limited to a few times in a minute and costs a password hash, and both signing in and refreshing write an
 * event.
 */
export async function withSession(work: (client: Client) => Promise<unknown>): Promise<void> {
  const { FRONTDESK_TOKEN } = process.env;
  if (FRONTDESK_TOKEN) return void (await work(createTokenClient(FRONTDESK_TOKEN)));
  const { email, password } = readAccount();
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
  // Whoever has these tokens is this account, so nobody else may read the file.
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
  const { code, text } = describeFailure(error, url);
  console.error(text);
  process.exit(code);
}
