declare namespace Cloudflare {
  interface Env {
    TEST_MIGRATIONS: import('cloudflare:test').D1Migration[];
  }
}

declare module '*?raw' {
  const text: string;

  export { text as default };
}

interface ImportMeta {
  /** Vite's import of all files that a pattern names, as texts. */
  glob(pattern: string, options: { eager: true; import: 'default'; query: '?raw' }): Readonly<Record<string, string>>;
}
