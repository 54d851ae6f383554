import { access } from './access';
import { desk } from './desk';
import { freshness } from './freshness';
import { idempotency } from './idempotency';
import { machinery } from './machinery';
import type { Mutation } from './mutation';
import { shop } from './shop';

/** Every mutation by its area. A new rule brings its mutation: docs/testing.md, "Mutations". */
export const mutations: Readonly<Record<string, readonly Mutation[]>> = {
  access,
  idempotency,
  freshness,
  shop,
  desk,
  machinery,
};
