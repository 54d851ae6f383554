import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { findSourceMap, setSourceMapsSupport } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { replacements } from './replacements';

const here = import.meta.dirname;
const root = join(here, '../..');
const source = join(root, 'src/');
/** What a module of src/ is called in {@link replacements}. */
const nameOf = (path: string) => relative(source, path).replace(/\.ts$/, '');

const simulation = 'simulation.mjs';
const [original, replaced] = ['?original', 'replaced'];

/** A module that replaces exports of another one, and has all its others. The file of the bundle has the name of the variant. */
function writeReplaced(path: string): string {
  const [file, name] = [JSON.stringify(path + original), JSON.stringify(nameOf(path))];
  return `
    import * as original from ${file};
    import { replacements } from './${simulation}';
    export * from ${file};
    const variant = /(\\w+).mjs/.exec(import.meta.url)[1];
    const replaced = { ...original, ...replacements[${name}].make(original, variant) };
    export const { ${replacements[nameOf(path)]?.names.join(', ')} } = replaced;`;
}

/** Puts {@link replacements} in the place of modules of src/. */
const replaceModules: Plugin = {
  name: 'replace-modules',
  setup(bundling) {
    bundling.onResolve({ filter: new RegExp(`^\\./${simulation}$`) }, ({ path }) => ({ path, external: true }));
    bundling.onResolve({ filter: /\?original$/ }, ({ path }) => ({ path: path.slice(0, -original.length) }));
    // esbuild asks for these names alone, because each question takes time.
    const names = Object.keys(replacements).map((name) => basename(name));
    bundling.onResolve({ filter: new RegExp(`/(?:${names.join('|')})$`) }, ({ path, resolveDir }) => {
      const file = `${resolve(resolveDir, path)}.ts`;
      return nameOf(file) in replacements ? { path: file, namespace: replaced } : undefined;
    });
    bundling.onLoad({ filter: /./, namespace: replaced }, ({ path }) => ({
      contents: writeReplaced(path),
      resolveDir: dirname(path),
    }));
  },
};

/** A place in a bundle, in the text of a stack. */
const places = /(file:\S+\/\.bundle-\w+\/\w+\.mjs):(\d+):(\d+)/g;

function findSource(place: string, file: string, line: string, column: string): string {
  const origin = findSourceMap(file)?.findOrigin(Number(line), Number(column));
  return origin && 'fileName' in origin ? `${origin.fileName}:${origin.lineNumber}:${origin.columnNumber}` : place;
}

/** Lets the stacks of errors have the lines of the modules. vitest does so for what it transforms, in a way of its own. */
function showSources(): void {
  // Node does not read the maps of packages, which would take seconds.
  setSourceMapsSupport(true);
  const { prepareStackTrace } = Error;
  if (prepareStackTrace) Error.prepareStackTrace = (...args) => prepareStackTrace(...args).replace(places, findSource);
}

/**
 * Loads the simulation as one module, and the Worker's code as one for each variant. As the many modules that vitest makes of
 * them, where each use of an import is a call, a history takes a fifth longer.
 */
export async function loadSimulation(): Promise<typeof import('./main')> {
  // Packages are found from a folder inside of the repository. Several processes load the simulation at the same time.
  const folder = await mkdtemp(join(root, 'test/simulation/.bundle-'));
  const make = (entry: string, name: string, options: BuildOptions = {}) =>
    build({
      ...{ entryPoints: [join(here, entry)], outfile: join(folder, name), bundle: true, packages: 'external' },
      ...{ platform: 'node', format: 'esm', sourcemap: 'inline', ...options },
    });
  try {
    const define = { 'import.meta.dirname': JSON.stringify(here) };
    await Promise.all([
      make('main.ts', simulation, { define }),
      make('release-parts.ts', 'first.mjs', { plugins: [replaceModules] }),
    ]);
    showSources();
    for (const variant of ['second', 'withNewEvents']) {
      await copyFile(join(folder, 'first.mjs'), join(folder, `${variant}.mjs`));
    }
    const address = pathToFileURL(join(folder, simulation)).href;
    const loaded: typeof import('./main') = await import(/* @vite-ignore */ address);
    await loaded.loadVersions(address);
    return loaded;
  } finally {
    await rm(folder, { recursive: true });
  }
}
