declare module 'virtual:text-files' {
  type Addresses = Readonly<Record<'first' | 'operators', string>>;
  /** The addresses of each language's texts, which are JSON documents: those of the first screens, and those of operators. */
  export const textFiles: Readonly<Record<'en' | 'de', Addresses>>;
}
