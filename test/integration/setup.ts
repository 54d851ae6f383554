import { applyD1Migrations } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach } from 'vitest';
import { checkDocuments } from '../support/document-watch';
import { beginFile } from '../support/each-file';
import { emptyStorage } from '../support/empty-storage';
import '../support/usual-limits';

// One process of workerd runs many files, so each file begins with empty storage and with modules as they were loaded.
await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
await emptyStorage();
beginFile();

afterEach(checkDocuments);
