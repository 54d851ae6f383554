import { makeFaulty } from './faulty-views';
import { nextId, nextSecret } from './ids';
import { withNewEvents, withOldReactions, withOldTypes } from './new-events';

/** Version 1, and two variants of version 2: one that has only other shapes, and one that also records new events. */
export type Variant = 'first' | 'second' | 'withNewEvents';

/** How a variant of the code gets other exports from a module. */
interface Replacement {
  names: readonly string[];
  make(original: never, variant: Variant): object;
}

function replace<Module extends object>(
  names: readonly (keyof Module & string)[],
  make: (original: Module, variant: Variant) => Partial<Module>,
): Replacement {
  return { names, make: make as Replacement['make'] };
}

/** Makes what depends on one object alone once for each object. */
function onceForEach<Given extends object, Made>(make: (given: Given) => Made): (given: Given) => Made {
  const known = new WeakMap<Given, Made>();
  return (given) => {
    const made = known.get(given) ?? make(given);
    known.set(given, made);
    return made;
  };
}

/** Parts of the code that ask the machine for chance or for a lot of time; no promise depends on how they do it. */
const slowParts = {
  'platform/ids': replace<typeof import('../../src/platform/ids')>(['newId'], () => ({ newId: nextId })),
  'platform/password': replace<typeof import('../../src/platform/password')>(
    ['hashPassword', 'unusableHash', 'verifyPassword'],
    () => ({
      hashPassword: async (password) => `hash of ${password}`,
      unusableHash: () => 'hash of ',
      verifyPassword: async (password, hash) => ({ ok: hash === `hash of ${password}`, needsRehash: false }),
    }),
  ),
  'auth/secret-token': replace<typeof import('../../src/auth/secret-token')>(
    ['newSecret', 'createKeyedHashes'],
    ({ createKeyedHashes }) => ({ newSecret: nextSecret, createKeyedHashes: onceForEach(createKeyedHashes) }),
  ),
  'access/key-text': replace<typeof import('../../src/access/key-text')>(['createKeyTexts'], ({ createKeyTexts }) => ({
    createKeyTexts: (...args) => ({ ...createKeyTexts(...args), newSeed: nextSecret }),
  })),
  'access/access-token': replace<typeof import('../../src/access/access-token')>(['createAccessTokens'], () => ({
    // The clients carry the caller themselves. A real signature is made on another thread, at a time that no seed fixes.
    createAccessTokens: () => ({
      issue: async (caller: unknown) => ({ token: JSON.stringify(caller), expiresInSeconds: 900 }),
      verify: async (token: string) => JSON.parse(token),
    }),
  })),
};

/**
 * Reads the configuration once for each epoch and rule of selling, and derives keys from its secrets once: they are the same
 * for all processes of a deployment.
 */
const config = {
  'http/consistency-tokens': replace<typeof import('../../src/http/consistency-tokens')>(
    ['createConsistencyTokens'],
    ({ createConsistencyTokens }) => ({ createConsistencyTokens: onceForEach(createConsistencyTokens) }),
  ),
  config: replace<typeof import('../../src/config')>(['loadConfig'], (original) => {
    const configs = new Map<string, import('../../src/config').Config>();
    return {
      loadConfig: (env) => {
        const { EPOCH, SELLERS } = env as { EPOCH: string; SELLERS: string };
        const key = `${EPOCH} ${SELLERS}`;
        const config = configs.get(key) ?? original.loadConfig(env);
        configs.set(key, config);
        return config;
      },
    };
  }),
};

/**
 * How the documents of version 2 differ from version 1's: other shapes of five views, among them the one that every
 * query reads, and one view under another name, so that each version has a view that the other one does not know.
 */
const raised = ['access', 'user', 'order-lists', 'staff-ticket', 'ticket-lists'];
const renamed: Readonly<Record<string, string>> = { 'item-lists': 'item-overview' };

/** Lets the views of a version fail where a history wants it, and changes the shapes and the events of version 2. */
const versions = {
  'cqrs/reading/view': replace<typeof import('../../src/cqrs/reading/view')>(
    ['defineView', 'when'],
    (original, variant) => {
      const defineFaulty = makeFaulty(variant === 'first' ? 1 : 2, original);
      if (variant === 'first') return { defineView: defineFaulty };
      const defineView: typeof original.defineView = (definition) => {
        const name = renamed[definition.name] ?? definition.name;
        const shapeVersion = definition.shapeVersion + (raised.includes(name) ? 1 : 0);
        return defineFaulty({ ...definition, name, shapeVersion });
      };
      return { defineView, ...(variant === 'withNewEvents' && { when: withOldTypes(original.when) }) };
    },
  ),
  'cqrs/log/event': replace<typeof import('../../src/cqrs/log/event')>(
    ['defineEvent', 'createEventCatalogue'],
    (original, variant) => (variant === 'withNewEvents' ? withNewEvents(original) : original),
  ),
  'notifications/reaction': replace<typeof import('../../src/notifications/reaction')>(
    ['createReactions'],
    ({ createReactions }, variant) => ({
      createReactions: variant === 'withNewEvents' ? withOldReactions(createReactions) : createReactions,
    }),
  ),
};

/** The modules of src/ of which a history uses other exports, by their paths. */
export const replacements: Readonly<Record<string, Replacement>> = { ...slowParts, ...config, ...versions };
