import { access } from './access';
import { confirmations } from './confirmations';
import { webConsole } from './console';
import { conversation } from './conversation';
import { database } from './database';
import { desk } from './desk';
import { feed } from './feed';
import { figures } from './figures';
import { freshness } from './freshness';
import { http } from './http';
import { idempotency } from './idempotency';
import { inspection } from './inspection';
import { keys } from './keys';
import { machinery } from './machinery';
import type { Mutation } from './mutation';
import { notifications } from './notifications';
import { sales } from './sales';
import { scripts } from './scripts';
import { shop } from './shop';
import { signingIn } from './signing-in';

/** Every mutation by its area. A new rule brings its mutation: docs/testing.md, "Mutations". */
export const mutations: Readonly<Record<string, readonly Mutation[]>> = {
  access,
  'signing-in': signingIn,
  confirmations,
  http,
  idempotency,
  inspection,
  keys,
  freshness,
  database,
  shop,
  desk,
  conversation,
  machinery,
  notifications,
  feed,
  figures,
  sales,
  scripts,
  console: webConsole,
};
