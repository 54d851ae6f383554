import { vi } from 'vitest';
import { makeFaulty } from './faulty-views';
import type { Release } from './history';
import { nextId, nextSecret } from './ids';
import { withNewEvents, withOldReactions, withOldTypes } from './new-events';
import { SimulatedFault } from './process';

/**
 * How the documents of version 2 differ from version 1's: other shapes of five views, among them the one that every
 * query reads, and one view under another name, so that each version has a view that the other one does not know.
 */
const raised = ['access', 'user', 'order-lists', 'staff-ticket', 'ticket-lists'];
const renamed: Readonly<Record<string, string>> = { 'item-lists': 'item-overview' };

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
function replaceSlowParts(): void {
  vi.doMock('../../src/platform/ids', async (importOriginal) => ({
    ...(await importOriginal<object>()),
    newId: nextId,
  }));
  vi.doMock('../../src/platform/password', () => ({
    hashPassword: async (password: string) => `hash of ${password}`,
    unusableHash: () => 'hash of ',
    verifyPassword: async (password: string, hash: string | undefined) => ({
      ok: hash === `hash of ${password}`,
      needsRehash: false,
    }),
  }));
  vi.doMock('../../src/auth/secret-token', async (importOriginal) => {
    const original = await importOriginal<typeof import('../../src/auth/secret-token')>();
    return { ...original, newSecret: nextSecret, createKeyedHashes: onceForEach(original.createKeyedHashes) };
  });
  vi.doMock('../../src/access/key-text', async (importOriginal) => {
    const original = await importOriginal<typeof import('../../src/access/key-text')>();
    const createKeyTexts: typeof original.createKeyTexts = (...args) => ({
      ...original.createKeyTexts(...args),
      newSeed: nextSecret,
    });
    return { ...original, createKeyTexts };
  });
  vi.doMock('../../src/access/access-token', () => ({
    // The clients carry the caller themselves. A real signature is made on another thread, at a time that no seed fixes.
    createAccessTokens: () => ({
      issue: async (caller: unknown) => ({ token: JSON.stringify(caller), expiresInSeconds: 900 }),
      verify: async (token: string) => JSON.parse(token),
    }),
  }));
}

/**
 * Reads the configuration once for each epoch and rule of selling, and derives keys from its secrets once: they are the same
 * for all processes of a deployment.
 */
function keepConfig(): void {
  vi.doMock('../../src/http/consistency-tokens', async (importOriginal) => {
    const original = await importOriginal<typeof import('../../src/http/consistency-tokens')>();
    return { ...original, createConsistencyTokens: onceForEach(original.createConsistencyTokens) };
  });
  vi.doMock('../../src/config', async (importOriginal) => {
    const original = await importOriginal<typeof import('../../src/config')>();
    const configs = new Map<string, import('../../src/config').Config>();
    const loadConfig = (env: { EPOCH: string; SELLERS: string }) => {
      const key = `${env.EPOCH} ${env.SELLERS}`;
      const config = configs.get(key) ?? original.loadConfig(env);
      configs.set(key, config);
      return config;
    };
    return { ...original, loadConfig };
  });
}

/** Lets the views of a version fail where a history wants it, and changes the shapes of version 2. */
function replaceViews(release: Release['number'], hasNewEvents: boolean): void {
  vi.doMock('../../src/cqrs/reading/view', async (importOriginal) => {
    const original = await importOriginal<typeof import('../../src/cqrs/reading/view')>();
    const defineFaulty = makeFaulty(release, original);
    if (release === 1) return { ...original, defineView: defineFaulty };
    const defineView: typeof original.defineView = (definition) => {
      const name = renamed[definition.name] ?? definition.name;
      const shapeVersion = definition.shapeVersion + (raised.includes(name) ? 1 : 0);
      return defineFaulty({ ...definition, name, shapeVersion });
    };
    return { ...original, defineView, when: hasNewEvents ? withOldTypes(original.when) : original.when };
  });
  if (!hasNewEvents) return;
  vi.doMock('../../src/cqrs/log/event', async (importOriginal) =>
    withNewEvents(await importOriginal<typeof import('../../src/cqrs/log/event')>()),
  );
  vi.doMock('../../src/notifications/reaction', async (importOriginal) => {
    const original = await importOriginal<typeof import('../../src/notifications/reaction')>();
    return { ...original, createReactions: withOldReactions(original.createReactions) };
  });
}

/** Loads the Worker's modules once more. */
async function load(number: Release['number'], hasNewEvents = false): Promise<Release> {
  replaceViews(number, hasNewEvents);
  vi.resetModules();
  const [
    { compose },
    { runSchedule },
    { eventCatalogue, views },
    { limits },
    { DomainError },
    { EmailError },
    { findDatabaseFailure },
    { withinScopes },
    { commandScopes, queryScopes },
  ] = await Promise.all([
    import('../../src/composition'),
    import('../../src/schedule'),
    import('../../src/domains'),
    import('../../src/platform/limits'),
    import('../../src/platform/errors'),
    import('../../src/email/email-sender'),
    import('../../src/platform/d1'),
    import('../../src/access/within-scopes'),
    import('../../src/operation-scopes'),
  ]);
  return {
    number,
    compose,
    runSchedule,
    eventCatalogue,
    views,
    limits,
    limitCommands: (caller, commands) => withinScopes(caller, commands, commandScopes),
    limitQueries: (caller, queries) => withinScopes(caller, queries, queryScopes),
    isRefusal: (error): error is InstanceType<typeof DomainError> =>
      error instanceof DomainError && error.kind !== 'unavailable',
    isUnavailable: (error) => error instanceof DomainError && error.kind === 'unavailable',
    isOfPlatform: (error) => isSimulated(error) || findDatabaseFailure(error) !== undefined,
    createEmailError: (code, refusal) => new EmailError(code, refusal, new SimulatedFault(code)),
  };
}

function isSimulated(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof SimulatedFault) return true;
  }
  return false;
}

/** Version 1, and two variants of version 2: one that has only other shapes, and one that also records new events. */
interface Releases {
  first: Release;
  second: Release;
  withNewEvents: Release;
}

async function loadAll(): Promise<Releases> {
  replaceSlowParts();
  keepConfig();
  const releases = { first: await load(1), second: await load(2), withNewEvents: await load(2, true) };
  const { first, second } = releases;
  if (first.views.every(({ id }, index) => id === second.views[index]?.id)) {
    throw new Error('Version 2 has the same views as version 1: adapt the names in releases.ts to domains.ts.');
  }
  if (releases.withNewEvents.eventCatalogue.size === first.eventCatalogue.size) {
    throw new Error('Version 2 has no new events: adapt the names in new-events.ts to domains.ts.');
  }
  return releases;
}

let loading: ReturnType<typeof loadAll> | undefined;

/** The versions of the code, which all histories of a run share. */
export function loadReleases(): Promise<Releases> {
  loading ??= loadAll();
  return loading;
}
