/** The architecture as rules: dependencies run one way, and every import is of something the project declares. */
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    forbid('no-cycles', 'Two modules that need each other are one module.', {}, { circular: true }),
    forbid(
      'no-undeclared-packages',
      'Every package is in package.json.',
      {},
      { dependencyTypes: ['npm-no-pkg', 'unknown'] },
    ),
    forbid(
      'worker-has-no-dev-packages',
      'What is deployed uses no development dependency.',
      { path: '^src' },
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'workers-types' },
    ),
    forbid(
      'only-crypto-of-node',
      'A Worker is not Node.js: it takes only what the Web’s crypto lacks, and only where secrets are handled.',
      { path: '^src' },
      { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    ),
    forbid(
      'crypto-where-secrets-are',
      'Hashing and random secrets have few places.',
      { path: '^src', pathNot: '^src/(access|auth|http|platform)/' },
      { path: '^(node:)?crypto$' },
    ),
    forbid(
      'rules-are-pure',
      'A domain’s rules know nothing of ours but the errors.',
      { path: '^src/(users/user|auth/session|items/item|orders/order|tickets/ticket)\\.ts$' },
      { path: '^src', pathNot: '^src/platform/errors\\.ts$' },
    ),
    forbid(
      'services-see-no-transport',
      'A service knows neither Hono nor bindings nor SQL.',
      { path: '^src/[^/]+/service\\.ts$' },
      { path: '(^src/http|/tables\\.ts$|hono|drizzle-orm|d1-unit-of-work)' },
    ),
    forbid(
      'services-see-repository-interfaces',
      'A repository’s implementation is the composition’s business.',
      { path: '^src/[^/]+/service\\.ts$' },
      { path: '/repository\\.ts$', dependencyTypesNot: ['type-only'] },
    ),
    forbid('routes-see-no-tables', 'A route never sees a table.', { path: '/routes\\.ts$' }, { path: '/tables\\.ts$' }),
    forbid(
      'platform-is-the-ground',
      'What every domain may use depends on no domain.',
      { path: '^src/platform' },
      { path: '^src', pathNot: '^src/platform' },
    ),
    forbid(
      'cqrs-knows-no-domain',
      'The machinery serves domains without knowing them.',
      { path: '^src/cqrs' },
      { path: '^src', pathNot: '^src/(cqrs|platform)' },
    ),
    forbid(
      'consumers-know-no-domain',
      'Domains register with the consumers, not the other way round.',
      { path: '^src/consumers' },
      { path: '^src', pathNot: '^src/(consumers|cqrs|email|platform)' },
    ),
    forbid(
      'only-composition-knows-bindings',
      'One file assembles the services; the doors and the HTTP types see the result.',
      { path: '^src', pathNot: '^src/(worker|app)\\.ts$' },
      { path: '^src/composition\\.ts$', dependencyTypesNot: ['type-only'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['workerd', 'import', 'types', 'default'] },
  },
};
