// Starts Frontdesk on this machine alone: database, KV, queues, e-mail and the schedule are all local.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { fail, readOptions, readWholeNumber, refuse, run } from './command-line';
import { createEmailKeeper } from './dev-emails';
import { ownVariables, readVariables } from './dev-variables';
import { configName, describeRunningDev, findRunningDev, localUrl } from './running-dev';
import { readConfiguration, withEventsQueue, writeConfiguration } from './wrangler-config';
import { printWithoutNoise } from './wrangler-output';

const usage = `npm run dev [-- --with CONFIG]

Starts Frontdesk on this machine. It prints the e-mails, and keeps them in .wrangler/dev-emails.txt until its next start.

  --with CONFIG   starts another Worker beside Frontdesk, by its wrangler configuration. It can consume the queue
                  frontdesk-events, which is switched on then. Repeat the option for more Workers.
                  Example: npm run dev -- --with examples/event-consumer/wrangler.toml

Environment variables:

  PORT         where it listens (8787)
  LOG_FORMAT   text: a short line for each request and event (the default)
               json: lines of JSON, as in production`;

const { values } = readOptions(usage, { options: { with: { type: 'string', multiple: true, default: [] } } });
const port = readWholeNumber('PORT', process.env.PORT ?? '8787', usage, 65_535);
const url = localUrl(port);
const minuteMs = 60_000;
const env = {
  ...process.env,
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_SEND_METRICS: 'false',
};

/** Ends the program for what `--with` cannot start: wrangler would say it in thirty lines, or start nothing. */
function requireOtherWorkers() {
  for (const path of values.with) {
    if (!existsSync(path)) refuse(`There is no wrangler configuration at ${path}.`, usage);
    const { name: own } = readConfiguration();
    const { name, main } = readConfiguration(path);
    if (name === undefined || main === undefined)
      refuse(`${path} is not the wrangler configuration of a Worker: it needs a name and main.`, usage);
    if (name === own) refuse(`${path} is Frontdesk itself, or has its name. Name another Worker.`, usage);
  }
}

/** Ends the program with the Worker's own words, before a Worker starts that could only repeat them. */
async function requireUsableConfig(vars: NodeJS.Dict<string>) {
  const { vars: shared } = readConfiguration();
  const { loadConfig } = await import('../src/config');
  try {
    loadConfig({ ...shared, ...vars });
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    fail(
      `${reason}\nCorrect .dev.vars (.dev.vars.example explains each variable), or start over with \`npm run reset\`.`,
    );
  }
}

/** Two Workers on one local database would both run its schedule, and would be refused while the other one writes. */
function requireNoOtherDev() {
  const running = findRunningDev();
  if (running) fail(describeRunningDev(running));
}

/** Without this check a second `npm run dev` would take the API of another folder for its own. */
async function requireFreePort() {
  const server = createServer().listen(port, 'localhost');
  try {
    await once(server, 'listening');
    server.close();
  } catch (error) {
    const isInUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    fail(
      `Port ${port} is ${isInUse ? 'in use' : 'not allowed'}. Choose another one, for example: PORT=8790 npm run dev`,
    );
  }
}

/**
 * Writes wrangler's configuration for this machine. With a list of required secrets wrangler takes no other variable from
 * `.dev.vars`; without the list it takes all of them, so that no secret stands among the arguments of a process.
 */
function writeConfig(): string {
  const path = configName(port);
  const { secrets: _, ...config } = readConfiguration();
  // No batch waits for more messages, so what belongs to the start is on the screen before the banner.
  for (const consumer of config.queues?.consumers ?? [])
    consumer.max_batch_timeout = Math.min(1, consumer.max_batch_timeout ?? 1);
  writeConfiguration(path, values.with.length > 0 ? withEventsQueue(config) : config);
  return path;
}

/**
 * Starts wrangler, and ends it with this program. Wrangler has processes of its own, so it leads a process group, and
 * signals go to the whole group.
 */
function startWorker(config: string, variables: Readonly<Record<string, string>>) {
  const vars = Object.entries(variables).map(([name, value]) => `${name}:${value}`);
  const settings = ['--show-interactive-dev-session=false', '--var', ...vars];
  // The first configuration is that of the Worker that answers requests.
  const configs = [config, ...values.with].flatMap((path) => ['--config', path]);
  const worker = spawn('wrangler', ['dev', ...configs, '--port', `${port}`, ...settings], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let printedAt = Date.now();
  for (const stream of [worker.stdout, worker.stderr]) {
    const keepEmail = createEmailKeeper();
    printWithoutNoise(stream, (line) => {
      printedAt = Date.now();
      keepEmail(line);
    });
  }

  function signalGroup(signal: NodeJS.Signals) {
    if (worker.pid === undefined) return;
    try {
      process.kill(-worker.pid, signal);
    } catch {
      // The group has ended already.
    }
  }
  let isStopping = false;
  function stop() {
    isStopping = true;
    signalGroup('SIGTERM');
    setTimeout(() => process.exit(), 5000);
  }
  worker.on('error', fail);
  worker.on('exit', () => signalGroup('SIGKILL'));
  // After the last of wrangler's output.
  worker.on('close', (code) => process.exit(isStopping ? 0 : code || 1));
  process.on('exit', () => signalGroup('SIGKILL'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  // A SIGTERM to npm ends the shell between npm and this program, but does not reach this program.
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && stop(), 500);

  /** Resolves when nothing has been printed for so long, so that what is printed next stays on the screen. */
  return async function untilSilent(ms: number) {
    while (Date.now() - printedAt < ms) await wait(100);
  };
}

async function untilReady() {
  for (;;) {
    const response = await fetch(`${url}/v1/health`).catch(() => undefined);
    if (response?.ok) return;
    await wait(200);
  }
}

/** Does what the cron triggers do in production; `wrangler dev` has none. */
async function drive(cron: string, everyMs: number) {
  const trigger = () => fetch(`${url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}`).catch(() => {});
  setInterval(trigger, everyMs);
  await trigger();
}

/** Builds the console again after each change of its files; a browser loads the new one when somebody comes back to its page. */
async function watchConsole() {
  const { build } = await import('vite');
  const watcher = await build({
    configFile: 'console/vite.config.ts',
    logLevel: 'error',
    // The files stay while the new ones are written, so that the page is never missing.
    build: { watch: {}, emptyOutDir: false },
  });
  if ('on' in watcher) {
    await new Promise<void>((resolve) => {
      watcher.on('event', ({ code }) => {
        if (code === 'END' || code === 'ERROR') resolve();
      });
    });
  }
}

requireOtherWorkers();
requireNoOtherDev();
await requireFreePort();
const vars = readVariables();
const own = ownVariables(vars, process.env, url);
await requireUsableConfig({ ...vars, ...own });
const config = writeConfig();
run('wrangler', ['d1', 'migrations', 'apply', 'DB', '--local'], { ...env, CI: 'true' });
await watchConsole();
const untilSilent = startWorker(config, own);
await untilReady();
await drive('* * * * *', minuteMs);
await drive('0 * * * *', 60 * minuteMs);
const { checkFirstAdmin, formatBanner } = await import('./banner');
const admin = await checkFirstAdmin(url, vars);
await untilSilent(1500);
console.log(formatBanner(url, admin));
