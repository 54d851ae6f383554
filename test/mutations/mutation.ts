/** The levels of tests that notice mutations; each is a project of vitest and a folder of `test`. */
export type Level = 'unit' | 'integration' | 'e2e';

/** The narrowest tests that must fail with a mutation, or the type check. */
export type Guardian = { level: Level; files: readonly string[]; only?: string } | 'types';

/** A small change of the code that breaks one rule. */
export interface Mutation {
  /** What is broken, as a sentence. */
  name: string;
  /** The file, from the root of the repository. */
  file: string;
  /** The text that is replaced; it occurs once in the file. */
  find: string;
  replace: string;
  noticedBy: Guardian;
  /** Why no test can notice the mutation: it changes nothing that anybody can observe. */
  equivalent?: string;
}

/** Names files of one level, without `.test.ts`. */
function at(level: Level) {
  return (...files: string[]): Guardian & object => ({ level, files });
}

export const unit = at('unit');
export const integration = at('integration');
export const e2e = at('e2e');

/** Runs only the tests whose names contain a text, because an integration test takes seconds. */
export function only(text: string, guardian: Guardian & object): Guardian {
  return { ...guardian, only: text };
}

/** The path of a test file. */
export function testFile(level: Level, name: string): string {
  return `test/${level}/${name}.test.ts`;
}
