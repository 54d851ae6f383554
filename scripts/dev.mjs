// Starts Frontdesk on this machine alone: database, KV, queues, e-mail and the schedule are all local.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

const port = process.env.PORT ?? '8787';
const url = `http://localhost:${port}`;
const minuteMs = 60_000;
const env = { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' };

/** Generated once and kept: whoever signs in today can sign in tomorrow. */
function ensureSecrets() {
  if (existsSync('.dev.vars')) return;
  const lines = [
    '# Made by `npm run dev` for this machine alone; delete it to get new secrets.',
    `TOKEN_SECRET="${randomBytes(32).toString('base64url')}"`,
    'FIRST_ADMIN_EMAIL="admin@frontdesk.example"',
    `FIRST_ADMIN_PASSWORD="${randomBytes(12).toString('base64url')}"`,
    'EMAIL_TRANSPORT="console"',
  ];
  writeFileSync('.dev.vars', `${lines.join('\n')}\n`, { mode: 0o600 });
}

async function untilReady() {
  for (;;) {
    try {
      if ((await fetch(`${url}/v1/health`)).ok) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Does what the cron triggers do in production; `wrangler dev` has none. */
async function drive(cron, everyMs) {
  const run = () => fetch(`${url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}`).catch(() => {});
  setInterval(run, everyMs);
  await run();
}

function banner({ FIRST_ADMIN_EMAIL: email, FIRST_ADMIN_PASSWORD: password }) {
  return `
Frontdesk is ready.
  API    ${url}/v1
  Docs   ${url}/docs
  Admin  ${email} / ${password}

Sign in as the first admin:
  curl -s ${url}/v1/auth/token -d grant_type=password -d username=${email} -d 'password=${password}'

Register a user (the welcome e-mail appears in this window):
  curl -si ${url}/v1/users -H 'content-type: application/json' \\
    -d '{"name":"Ada Byron","email":"ada@example.com","password":"correct horse battery"}'
`;
}

ensureSecrets();
const migrated = spawnSync('wrangler', ['d1', 'migrations', 'apply', 'DB', '--local'], {
  env: { ...env, CI: 'true' },
  encoding: 'utf8',
});
if (migrated.status !== 0) {
  console.error(migrated.stdout, migrated.stderr);
  process.exit(1);
}

const secrets = parseEnv(readFileSync('.dev.vars', 'utf8'));
/** Of `.dev.vars` wrangler takes only the secrets that wrangler.toml requires; the optional ones are handed over. */
const optional = Object.entries(secrets).filter(([name]) => name !== 'TOKEN_SECRET');
const vars = optional.flatMap(([name, value]) => ['--var', `${name}:${value}`]);
const worker = spawn('wrangler', ['dev', '--port', port, '--show-interactive-dev-session=false', ...vars], {
  env,
  stdio: ['ignore', 'inherit', 'inherit'],
});
worker.on('exit', (code) => process.exit(code ?? 0));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => worker.kill(signal));

await untilReady();
await drive('* * * * *', minuteMs);
await drive('0 * * * *', 60 * minuteMs);
console.log(banner(secrets));
