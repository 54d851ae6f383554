import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestHarness } from 'wrangler';
import { newTokenSecret } from '../../scripts/dev-variables';
import { runScript } from '../support/run-script';

const admin = { FIRST_ADMIN_EMAIL: 'admin@example.com', FIRST_ADMIN_PASSWORD: 'the first admin of all' };
const folder = mkdtempSync(join(tmpdir(), 'frontdesk-ops-'));
const sessionPath = join(folder, '.wrangler/ops-session.json');
const harness = createTestHarness({
  workers: [
    {
      configPath: './wrangler.toml',
      secrets: { TOKEN_SECRET: newTokenSecret() },
      vars: { EMAIL_TRANSPORT: 'console', ...admin },
    },
  ],
});
let url: string;

beforeAll(async () => {
  url = (await harness.listen()).url.origin;
  await harness.getWorker().applyD1Migrations('DB');
  await harness.getWorker().scheduled({ cron: '* * * * *' });
});

afterAll(async () => {
  await harness.close();
  rmSync(folder, { recursive: true });
});

const ops = (password = admin.FIRST_ADMIN_PASSWORD, args = ['rebuilds']) =>
  runScript('scripts/ops.ts', args, folder, { FRONTDESK_URL: url, ...admin, FIRST_ADMIN_PASSWORD: password });
const listed = { code: 0, output: 'There were none.\n' };
const wrong = 'a password of nobody';

test('npm run ops keeps its session, and signs in again when the session has ended or its file is broken', async () => {
  expect(await ops()).toEqual(listed);
  const session = readFileSync(sessionPath, 'utf8');
  // Only a kept session needs no password.
  expect(await ops(wrong)).toEqual(listed);
  // A refresh would have changed both tokens, and written an event.
  expect(readFileSync(sessionPath, 'utf8')).toBe(session);
  expect(statSync(sessionPath).mode & 0o777).toBe(0o600);

  // What the API says to this token it says to an expired one.
  const expire = (text: string) =>
    writeFileSync(sessionPath, JSON.stringify({ ...JSON.parse(text), accessToken: 'x' }));
  expire(session);
  expect(await ops(wrong)).toEqual(listed);
  const refreshed = readFileSync(sessionPath, 'utf8');
  const { refreshToken } = JSON.parse(refreshed);
  expect(refreshToken).not.toBe(JSON.parse(session).refreshToken);

  const body = JSON.stringify({ refreshToken });
  const headers = { 'Content-Type': 'application/json' };
  expect((await fetch(`${url}/v1/auth/logout`, { method: 'POST', headers, body })).ok).toBe(true);
  expire(refreshed);
  const refused = await ops(wrong);
  expect([refused.code, refused.output.split('\n').length]).toEqual([1, 2]);
  expect(await ops()).toEqual(listed);
  expect(await ops(wrong)).toEqual(listed);

  writeFileSync(sessionPath, '{"url":');
  expect(await ops()).toEqual(listed);
});

test('npm run ops tells in a line that the system is ready, and which read models there are', async () => {
  expect(await ops(undefined, ['ready'])).toEqual({ code: 0, output: 'Ready.\n' });
  // The address of a rebuild cannot have this name.
  const { code, output } = await ops(undefined, ['rebuild', 'No-View']);
  expect(output).toMatch(/^There is no read model No-View\. Choose from user, .*ticket-dashboard\.\n$/);
  expect(code).toBe(1);
});

test('npm run ops prints which field the API refuses', async () => {
  const { code, output } = await ops(undefined, ['events', '--request', 'r'.repeat(65)]);
  expect(output).toMatch(/^The query string is not valid.*\n {2}\S*request: \S.*\n$/);
  expect(code).toBe(1);
});
