import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkFirstAdmin, formatBanner } from '../../scripts/banner';
import { newTokenSecret, ownVariables } from '../../scripts/dev-variables';
import { readConfiguration } from '../../scripts/wrangler-config';
import { loadConfig } from '../../src/config';

const { vars: shared } = readConfiguration(resolve(import.meta.dirname, '../../wrangler.toml'));

/** The page to which the link of a reset e-mail leads, with what `.dev.vars` has beside the secret. */
function resetPageOf(own: NodeJS.Dict<string>): string {
  const vars = { TOKEN_SECRET: newTokenSecret(), EMAIL_TRANSPORT: 'console', ...own };
  return loadConfig({ ...shared, ...vars, ...ownVariables(vars, {}, 'http://localhost:8790') }).passwordResetUrl;
}

test('the link of a reset e-mail leads to where `npm run dev` listens, unless .dev.vars has another PUBLIC_URL', () => {
  expect(resetPageOf({})).toBe('http://localhost:8790/reset-password');
  expect(resetPageOf({ PUBLIC_URL: 'https://my-machine.example' })).toBe('https://my-machine.example/reset-password');
});

describe('the banner of `npm run dev`', () => {
  const url = 'http://localhost:8790';
  const admin = { email: 'admin@frontdesk.example', password: 'a-password-of-dev-vars' };

  test('shows the password with which the first admin can sign in', () => {
    const banner = formatBanner(url, { ...admin, refusal: undefined });
    expect(banner).toContain(`Admin    ${admin.email} / ${admin.password}`);
    expect(banner).toContain(`-d 'password=${admin.password}'`);
  });

  test('shows no password that does not work, but why it does not and what to do', () => {
    const banner = formatBanner(url, { ...admin, refusal: 'The password is wrong.' });
    expect(banner).not.toContain(admin.password);
    expect(banner).toContain('The password is wrong.');
    expect(banner).toContain('npm run reset');
  });

  test('says so when .dev.vars names no first admin', async () => {
    expect(formatBanner(url, await checkFirstAdmin(url, {}))).toContain('names no FIRST_ADMIN_EMAIL');
  });
});

test('`npm run dev` writes short lines unless .dev.vars, or before it the environment, says json', () => {
  const formatOf = (vars: NodeJS.Dict<string>, environment: NodeJS.Dict<string>) =>
    ownVariables(vars, environment, 'http://localhost:8790').LOG_FORMAT;
  expect(formatOf({}, {})).toBe('text');
  expect(formatOf({ LOG_FORMAT: 'json' }, {})).toBe('json');
  expect(formatOf({ LOG_FORMAT: 'json' }, { LOG_FORMAT: 'text' })).toBe('text');
});
