import { normalizePath, type Plugin, runnerImport } from 'vite';
import type * as Source from './src/texts/languages';

const name = 'virtual:text-files';
const source = `${import.meta.dirname}/src/texts/languages.ts`;

/** Writes the texts of each language into two files, and gives the console the addresses of these files. */
export function textFiles(): Plugin {
  return {
    name: 'text-files',
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    async load(id) {
      if (id !== `\0${name}`) return undefined;
      const { module, dependencies } = await runnerImport<typeof Source>(source, { configFile: false });
      for (const file of [source, ...dependencies]) this.addWatchFile(normalizePath(file));
      const emit = (name: string, texts: [string, unknown][]) => {
        const file = this.emitFile({
          type: 'asset',
          name: `${name}.json`,
          source: JSON.stringify(Object.fromEntries(texts)),
        });
        return `import.meta.ROLLUP_FILE_URL_${file}`;
      };
      const addresses = Object.entries(module.languages).map(([language, texts]) => {
        const isOfOperators = ([screen]: [string, unknown]) => module.ofOperators.includes(screen);
        const all = Object.entries(texts);
        const first = emit(
          language,
          all.filter((each) => !isOfOperators(each)),
        );
        return `${language}: { first: ${first}, operators: ${emit(`operators-${language}`, all.filter(isOfOperators))} }`;
      });
      return `export const textFiles = { ${addresses.join(', ')} };`;
    },
  };
}
