declare module 'virtual:text-files' {
  /** The address of each language's texts, a JSON document. */
  export const textFiles: Readonly<Record<'en' | 'de', string>>;
}
