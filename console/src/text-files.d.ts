declare module 'virtual:text-files' {
  type Addresses = Readonly<Record<'first' | 'operators' | 'api', string>>;
  /** The addresses of each language's texts, which are JSON documents: those of the first screens, of operators, and of failures. */
  export const textFiles: Readonly<Record<'en' | 'de', Addresses>>;
}
