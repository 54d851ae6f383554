import { readFileSync } from 'node:fs';

/** The code of the first fence of a language below a heading of a page: what the reader copies is what the test runs. */
export function codeOf(page: string, heading: string, language: string): string {
  const [, section = ''] = readFileSync(page, 'utf8').split(`\n## ${heading}\n`);
  const [, rest] = section.split(`\`\`\`${language}\n`);
  if (rest === undefined) throw new Error(`${page} has no ${language} below “${heading}”.`);
  return rest.slice(0, rest.indexOf('```'));
}
