import { normalizePath, type Plugin, runnerImport } from 'vite';
import type * as Source from './src/texts/languages';

const name = 'virtual:text-files';
const source = `${import.meta.dirname}/src/texts/languages.ts`;

/** Writes the texts of each language into a few files, and gives the console the addresses of these files. */
export function textFiles(): Plugin {
  return {
    name: 'text-files',
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    async load(id) {
      if (id !== `\0${name}`) return undefined;
      const { module, dependencies } = await runnerImport<typeof Source>(source, { configFile: false });
      for (const file of [source, ...dependencies]) this.addWatchFile(normalizePath(file));
      const { languages, later } = module;
      const emit = (name: string, texts: [string, unknown][]) => {
        const source = JSON.stringify(Object.fromEntries(texts));
        return `import.meta.ROLLUP_FILE_URL_${this.emitFile({ type: 'asset', name: `${name}.json`, source })}`;
      };
      const addresses = Object.entries(languages).map(([language, texts]) => {
        const all = Object.entries(texts);
        const isLater = ([part]: [string, unknown]) => Object.values(later).some((parts) => parts.includes(part));
        const files = Object.entries(later).map(([file, parts]) => {
          const source = all.filter(([part]) => parts.includes(part));
          return `${file}: ${emit(`${file}-${language}`, source)}`;
        });
        const first = emit(
          language,
          all.filter((each) => !isLater(each)),
        );
        return `${language}: { first: ${first}, ${files.join(', ')} }`;
      });
      return `export const textFiles = { ${addresses.join(', ')} };`;
    },
  };
}
