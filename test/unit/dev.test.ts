import { resolve } from 'node:path';
import { expect, test } from 'vitest';
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

test('`npm run dev` writes short lines unless .dev.vars, or before it the environment, says json', () => {
  const formatOf = (vars: NodeJS.Dict<string>, environment: NodeJS.Dict<string>) =>
    ownVariables(vars, environment, 'http://localhost:8790').LOG_FORMAT;
  expect(formatOf({}, {})).toBe('text');
  expect(formatOf({ LOG_FORMAT: 'json' }, {})).toBe('json');
  expect(formatOf({ LOG_FORMAT: 'json' }, { LOG_FORMAT: 'text' })).toBe('text');
});
