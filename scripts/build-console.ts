// Builds the web console into public/console, and measures what a browser loads of it.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Rolldown } from 'vite';
import { fail, readOptions } from './command-line';

const usage = `npm run build:console

Builds the web console into public/console; npm ci and npm run dev do it too. Fails when all its scripts together are more than 50 KB,
compressed with gzip, or what its first screen needs, with the texts of one language, more than 30 KB.`;

const most = { all: 50 * 1024, first: 30 * 1024 };

readOptions(usage, {});
// A usage or a refusal need not wait for Vite.
const { build } = await import('vite');
const { output } = (await build({ configFile: 'console/vite.config.ts', logLevel: 'warn' })) as Rolldown.RolldownOutput;
const chunks = new Map(output.filter((part) => part.type === 'chunk').map((chunk) => [chunk.fileName, chunk]));
const sizeOf = (name: string) => gzipSync(readFileSync(`public/console/${name}`)).length;
const sum = (names: Iterable<string>) => [...names].reduce((bytes, name) => bytes + sizeOf(name), 0);

/** A script with what it imports before it runs. */
function withImports(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const imported of chunks.get(name)?.imports ?? []) withImports(imported, found);
  return found;
}

/** The script with this module. */
const chunkOf = (module: string) =>
  [...chunks.values()].find(({ moduleIds }) => moduleIds.some((id) => id.endsWith(module)));
const entry = chunkOf('/console/src/main.tsx');
const overview = chunkOf('/overview.tsx');
if (!entry || !overview) fail('The build has no entry, or no script of the overview.');
const languages = output.map(({ fileName }) => fileName).filter((name) => name.endsWith('.json'));
const texts = Math.max(...languages.map(sizeOf));
const first = texts + sum(withImports(overview.fileName, withImports(entry.fileName)));
const all = sum(chunks.keys());
console.log(
  `public/console has the console; its scripts take ${all} bytes, of at most ${most.all}, and its first screen needs ${first} with the texts of a language (${texts}), of at most ${most.first}.`,
);
if (all > most.all || first > most.first) fail('The console is too large. Find what made it so, or load it later.');
