import type { Hono, Env as HonoEnv, Schema } from 'hono';
import { uniqueSymbol } from 'hono-openapi';

/**
 * Whom an operation serves. `everybody` needs no credentials, `account` any active account; a list for any `account` shows
 * a customer only their own rows. An owner is the account to which the resource belongs; the staff are agents and admins. A
 * `seller` is one of the staff, or any account where the configuration lets everybody sell.
 */
export type Access = 'everybody' | 'account' | 'owner or staff' | 'owner or admin' | 'seller' | 'staff' | 'admin';

/** The member of an operation in the OpenAPI document that says whom it serves. */
const accessMember = 'x-access';

type SchemaOf<Routes> = Routes extends Hono<infer _Env, infer S, infer _Base> ? S : never;

type NamesOf<S> = S extends unknown
  ? {
      [Path in keyof S & string]: {
        [Method in keyof S[Path] & string]: Method extends `$${infer Name}` ? `${Uppercase<Name>} ${Path}` : never;
      }[keyof S[Path] & string];
    }[keyof S & string]
  : never;

/** Whom each route of a domain serves, by its method and path; a route that is missing does not compile. */
export type AccessRules<Routes> = Readonly<Record<NamesOf<SchemaOf<Routes>>, Access>>;

interface Described {
  [uniqueSymbol]?: { spec?: { summary?: string } };
}

/**
 * Writes into the description of each route whom it serves. The routes and the commands check the callers themselves, and
 * test/integration/access.test.ts compares what they do with what is declared.
 */
export function describeAccess<E extends HonoEnv, S extends Schema, P extends string>(
  { routes }: Hono<E, S, P>,
  rules: Readonly<Record<string, Access>>,
): void {
  for (const { method, path, handler } of routes) {
    const described = (handler as Described)[uniqueSymbol];
    const access = rules[`${method} ${path}`];
    // A middleware that several routes share has a part of the description too, and no summary.
    if (described?.spec?.summary === undefined || access === undefined) continue;
    Object.assign(described.spec, { [accessMember]: access });
  }
}
