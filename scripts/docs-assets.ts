// Copies the assets of Swagger UI, which shows the documentation, to where the Worker serves them: from its own origin, without a CDN.
import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readOptions } from './command-line';

readOptions('npm run prepare\n\nCopies the assets of /docs to public/docs/assets; `npm ci` runs it.', {});
const source = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const target = join('public', 'docs', 'assets');
mkdirSync(target, { recursive: true });
for (const file of ['swagger-ui-bundle.js', 'swagger-ui.css']) copyFileSync(join(source, file), join(target, file));
