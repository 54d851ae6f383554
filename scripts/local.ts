// The running API that a script talks to: by default the one that `npm run dev` started on this machine.
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { createClient } from '../src/client';

export const url = process.env.FRONTDESK_URL ?? `http://localhost:${process.env.PORT ?? '8787'}`;

/** A client that is signed in as the admin of the environment's variables, or of the `.dev.vars` that `npm run dev` made. */
export async function signInAsAdmin() {
  const local = existsSync('.dev.vars') ? parseEnv(readFileSync('.dev.vars', 'utf8')) : {};
  const { FIRST_ADMIN_EMAIL: email, FIRST_ADMIN_PASSWORD: password } = { ...local, ...process.env };
  if (!email || !password) throw new Error('Set FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD, or start `npm run dev`.');
  const client = createClient(url);
  await client.signIn(email, password);
  return client;
}
