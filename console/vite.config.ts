import { resolve } from 'node:path';
import preact from '@preact/preset-vite';
import { defineConfig, type Plugin } from 'vite';
import { textFiles } from './texts-plugin.ts';

/** Leaves out what the client of Hono needs to write cookies: in a browser no script can send any. */
const withoutCookies: Plugin = {
  name: 'without-cookies',
  enforce: 'pre',
  resolveId: (id, importer) => (id === '../utils/cookie.js' && importer?.includes('/hono/') ? '\0cookies' : undefined),
  load: (id) => (id === '\0cookies' ? 'export const serialize = String;' : undefined),
};

export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  plugins: [withoutCookies, preact(), textFiles()],
  // The sources of the client; the type check uses the package that `npm run build:client` makes of them.
  resolve: { alias: { '@frontdesk/client': resolve(import.meta.dirname, '../src/client.ts') } },
  build: {
    outDir: '../public/console',
    emptyOutDir: true,
    target: 'es2022',
    // The policy of the page allows no script in it, and every browser that the target names can preload modules.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // Texts and screens compress better in one script than in many. What the first screen needs comes by itself.
        codeSplitting: {
          groups: [
            { name: 'first', test: /\/main\.tsx|\/screens\/overview\//, priority: 2 },
            // Before the operators' screens, because a group takes the parts along that its screens share with later ones.
            {
              name: 'staff',
              test: /\/screens\/(?!(operators\.ts|(machinery|read-models|inspector|dead-letters|events)\/))/,
              priority: 1,
            },
            { name: 'operators', test: /\/screens\//, priority: 0 },
          ],
        },
      },
    },
  },
});
