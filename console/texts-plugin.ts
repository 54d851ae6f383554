import { normalizePath, type Plugin, runnerImport } from 'vite';
import type { languages } from './src/texts/languages';

const name = 'virtual:text-files';
const source = `${import.meta.dirname}/src/texts/languages.ts`;

/** Writes the texts of each language into a file of its own, and gives the console the addresses of these files. */
export function textFiles(): Plugin {
  return {
    name: 'text-files',
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    async load(id) {
      if (id !== `\0${name}`) return undefined;
      const { module, dependencies } = await runnerImport<{ languages: typeof languages }>(source, {
        configFile: false,
      });
      for (const file of [source, ...dependencies]) this.addWatchFile(normalizePath(file));
      const addresses = Object.entries(module.languages).map(([language, texts]) => {
        const file = this.emitFile({ type: 'asset', name: `${language}.json`, source: JSON.stringify(texts) });
        return `${language}: import.meta.ROLLUP_FILE_URL_${file}`;
      });
      return `export const textFiles = { ${addresses.join(', ')} };`;
    },
  };
}
