import { describe, expect, test } from 'vitest';
import { compose } from '../../src/composition';
import { lazily } from '../../src/platform/lazily';

/** Bindings with a usable configuration. Nothing here asks them for anything. */
function createEnv(variables: object = {}): Env {
  const settings = { ISSUER: 'https://frontdesk.example', AUDIENCE: 'frontdesk', EPOCH: '1', SELLERS: 'staff' };
  const email = { EMAIL_TRANSPORT: 'console', EMAIL_FROM: 'hello@frontdesk.example' };
  const secret = { TOKEN_SECRET: 'only-for-tests-0123456789-abcdefghijklmnop' };
  return { ...settings, ...email, ...secret, DB: {}, VIEWS: {}, ...variables } as unknown as Env;
}

const composeWith = (env: Env) => compose(env, () => {});

describe('the services of invocations', () => {
  test('are made once for all invocations with the same bindings', () => {
    const env = createEnv();
    const [first, second] = [composeWith(env), composeWith(env)];
    expect(second.readModels).toBe(first.readModels);
    expect(second.http.accessTokens).toBe(first.http.accessTokens);
    expect(composeWith(createEnv()).readModels).not.toBe(first.readModels);
  });

  test('leave to each invocation its permission to hash, its background work and its figures', () => {
    const env = createEnv();
    const [first, second] = [composeWith(env), composeWith(env)];
    for (const name of ['permitHashing', 'inBackground', 'recordRequest'] as const) {
      expect(second.http[name]).not.toBe(first.http[name]);
    }
  });

  test('give background work to the runtime of their own invocation', async () => {
    const env = createEnv();
    const given: string[] = [];
    const first = compose(env, () => void given.push('first'));
    const second = compose(env, () => void given.push('second'));
    first.http.inBackground('work.failed', async () => {});
    second.http.inBackground('work.failed', async () => {});
    expect(given).toEqual(['first', 'second']);
  });

  test('are refused for every invocation with an unusable configuration', () => {
    const env = createEnv({ TOKEN_SECRET: 'weak' });
    for (let invocation = 0; invocation < 2; invocation++) expect(() => composeWith(env)).toThrow('TOKEN_SECRET');
  });
});

test('an object that is made lazily is made once, when it is used', () => {
  let made = 0;
  const object = lazily(() => ({ number: ++made }));
  expect(made).toBe(0);
  expect([object.number, object.number, made]).toEqual([1, 1, 1]);
});
