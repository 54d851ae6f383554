// What `npm run dev` says when Frontdesk is ready.
import { createClient } from '../src/client';

/** The first admin of `.dev.vars`, and why the API refuses to sign that account in, if it does. */
export interface FirstAdmin {
  email: string;
  password: string;
  refusal: string | undefined;
}

/**
 * Finds out whether the first admin can sign in. The schedule makes the account only while there is no admin, so a database
 * that is older than `.dev.vars` has another password, and so has an account whose password was changed.
 */
export async function checkFirstAdmin(url: string, vars: NodeJS.Dict<string>): Promise<FirstAdmin | undefined> {
  const { FIRST_ADMIN_EMAIL: email, FIRST_ADMIN_PASSWORD: password } = vars;
  if (!email || !password) return undefined;
  const client = createClient(url, { tries: 1 });
  const refusal = await client.signIn(email, password).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : `${error}`),
  );
  if (refusal === undefined) await client.signOut();
  return { email, password, refusal };
}

function describeAdmin(url: string, admin: FirstAdmin | undefined): string {
  if (admin === undefined) return '  Admin    .dev.vars names no FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD';
  const { email, password, refusal } = admin;
  if (refusal !== undefined)
    return `  Admin    ${email}, but not with the FIRST_ADMIN_PASSWORD of .dev.vars:
           ${refusal}
           The local database is older than .dev.vars, or the password was changed. Use the password that the account
           had before, or stop Frontdesk and start over with \`npm run reset\`, which deletes the local data.`;
  return `  Admin    ${email} / ${password}

Sign in to the console as the first admin, or get a token:
  curl -s ${url}/v1/auth/token -d grant_type=password -d username=${email} -d 'password=${password}'`;
}

/** The addresses, how to sign in as the first admin if that works, and a first request. */
export function formatBanner(url: string, admin: FirstAdmin | undefined): string {
  return `
Frontdesk is ready.
  Console  ${url}/console
  API      ${url}/v1
  Docs     ${url}/docs
${describeAdmin(url, admin)}

Register a user (the welcome e-mail appears in this window):
  curl -si ${url}/v1/users -H 'content-type: application/json' \\
    -d '{"name":"Ada Byron","email":"ada@example.com","password":"correct horse battery"}'

Ctrl-C stops it.
`;
}
