const { existsSync, readdirSync, readFileSync } = require('node:fs');

/** The architecture as rules: dependencies run one way, and every import is of something the project declares. */
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

// Every folder of src/ that is not one of the shared ones is a domain.
const domain = '(?!access/|cqrs/|consumers/|email/|http/|notifications/|platform/)[^/]+';

/**
 * The files of rules, whatever their names are: those that a domain's commands.ts imports from its folder, without the
 * parts that every domain has under the same name. An import of types alone is no use of a rule.
 */
function findRules() {
  const domains = readdirSync('src').filter((folder) => existsSync(`src/${folder}/commands.ts`));
  const files = domains.flatMap((folder) => {
    const imports = readFileSync(`src/${folder}/commands.ts`, 'utf8').matchAll(
      /^import (?!type )[^;]*? from '\.\/([\w/-]+)';$/gm,
    );
    const own = [...imports].map(([, name]) => name).filter((name) => !/^(errors|events|schemas)$/.test(name));
    return own.map((name) => `src/${folder}/${name}`);
  });
  return `^(${files.join('|')})\\.ts$`;
}

const rules = findRules();

module.exports = {
  forbidden: [
    forbid('no-cycles', 'Two modules that need each other are one module.', {}, { circular: true }),
    {
      name: 'no-folder-cycles',
      comment: 'Two folders that need each other cannot be understood one after the other.',
      severity: 'error',
      scope: 'folder',
      from: { path: '^src' },
      to: { circular: true },
    },
    forbid(
      'no-undeclared-packages',
      'Every package is in package.json, but for the modules of the platform.',
      {},
      { dependencyTypes: ['npm-no-pkg', 'unknown'], pathNot: '^cloudflare:' },
    ),
    forbid(
      'worker-has-no-dev-packages',
      'What is deployed uses no development dependency.',
      { path: '^src' },
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'workers-types' },
    ),
    forbid(
      'client-has-types-of-the-server-only',
      'A browser loads the client, so the client takes no code of the server and no library of the server.',
      { path: '^src/client\\.ts$' },
      { dependencyTypesNot: ['type-only'], pathNot: '^node_modules/hono/dist/(types/)?client/' },
    ),
    forbid(
      'only-crypto-of-node',
      'A Worker is not Node.js: it takes only what the Web’s crypto lacks, where secrets are handled, and DNS.',
      { path: '^src' },
      { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|dns/promises)$' },
    ),
    forbid(
      'dns-where-the-sender-is-made',
      'Only the search for the cause of a failed connection asks DNS.',
      { path: '^src', pathNot: '^src/email/create-email-sender\\.ts$' },
      { path: '^(node:)?dns/promises$' },
    ),
    forbid(
      'crypto-where-secrets-are',
      'Hashing and random secrets have few places.',
      { path: '^src', pathNot: '^src/(access|auth|http|platform)/' },
      { path: '^(node:)?crypto$' },
    ),
    forbid(
      'rules-are-pure',
      'A file with which the commands of a domain decide imports only other such files, shared words (-status.ts), ' +
        'error catalogues, roles and money. Move what needs more to the repository, the views or the composition.',
      { path: rules },
      {
        path: '^(src|node_modules)',
        pathNot: `${rules}|(/errors\\.ts|-status\\.ts|^src/access/caller\\.ts|^src/platform/money\\.ts)$`,
      },
    ),
    forbid(
      'commands-and-queries-see-no-transport',
      'Commands and queries know neither Hono nor bindings nor SQL.',
      { path: '^src/[^/]+/(commands|queries)\\.ts$' },
      { path: '(^src/http|/tables\\.ts$|hono|drizzle-orm|d1-unit-of-work)' },
    ),
    forbid(
      'commands-see-repository-interfaces',
      'domains.ts alone joins commands with the implementation of their repositories.',
      { path: '^src/[^/]+/commands\\.ts$' },
      { path: '/repository\\.ts$', dependencyTypesNot: ['type-only'] },
    ),
    forbid('routes-see-no-tables', 'A route never sees a table.', { path: '/routes\\.ts$' }, { path: '/tables\\.ts$' }),
    forbid(
      'domains-meet-in-domains-ts',
      'A domain imports of another domain only its events and, for foreign keys, its tables.',
      { path: `^src/(${domain})/` },
      { path: `^src/${domain}/`, pathNot: '^src/($1)/|/(events|tables)\\.ts$' },
    ),
    forbid(
      'platform-is-the-ground',
      'The platform folder depends on no other folder.',
      { path: '^src/platform' },
      { path: '^src', pathNot: '^src/platform' },
    ),
    forbid(
      'cqrs-knows-no-domain',
      'The machinery serves the domains without knowing them.',
      { path: '^src/cqrs' },
      { path: '^src', pathNot: '^src/(cqrs|platform)' },
    ),
    forbid(
      'the-log-knows-no-other-room',
      'Writing and reading build on the log, and not on each other.',
      { path: '^src/cqrs/log' },
      { path: '^src/cqrs/(writing|reading)' },
    ),
    forbid(
      'writing-and-reading-are-apart',
      'Commands and queries meet only in the log.',
      { path: '^src/cqrs/(writing|reading)' },
      { path: '^src/cqrs/(writing|reading)', pathNot: '^src/cqrs/$1' },
    ),
    forbid(
      'access-knows-no-domain',
      'Every domain builds on access, so access builds on none.',
      { path: '^src/access' },
      { path: '^src', pathNot: '^src/(access|cqrs|platform)' },
    ),
    forbid(
      'http-knows-no-domain',
      'The HTTP folder serves the routes of every domain.',
      { path: '^src/http' },
      { path: '^src', pathNot: '^src/(http|access|cqrs|platform)' },
    ),
    forbid(
      'email-knows-no-domain',
      'Sending an e-mail is the same for whatever it says.',
      { path: '^src/email' },
      { path: '^src', pathNot: '^src/(email|cqrs|platform)' },
    ),
    forbid(
      'notifications-know-no-domain',
      'A domain says what is told to whom; the notifications folder has the words and the channels.',
      { path: '^src/notifications' },
      { path: '^src', pathNot: '^src/(notifications|email|cqrs|platform)' },
    ),
    forbid(
      'consumers-know-no-domain',
      'domains.ts registers each domain with the consumers.',
      { path: '^src/consumers' },
      { path: '^src', pathNot: '^src/(consumers|cqrs|email|notifications|platform)' },
    ),
    forbid(
      'only-the-entry-points-see-the-composition',
      'The composition knows which binding is which; only the entry points use it.',
      { path: '^src', pathNot: '^src/(worker|app|schedule)\\.ts$' },
      { path: '^src/composition\\.ts$' },
    ),
    forbid(
      'only-the-composition-sees-the-shared-services',
      'An invocation gets the shared services with its own.',
      { path: '^src', pathNot: '^src/(composition|shared-consumers)\\.ts$' },
      { path: '^src/shared-(services|consumers)\\.ts$' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['workerd', 'import', 'types', 'default'] },
    progress: { type: 'none' },
  },
};
