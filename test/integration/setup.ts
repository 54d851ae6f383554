import { applyD1Migrations } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach } from 'vitest';
import { checkDocuments } from '../support/document-watch';

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);

afterEach(checkDocuments);
