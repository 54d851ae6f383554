// Tables for people: no quotes, no column without a name, and as narrow as what stands in them.
import { oneLine, printable } from './printable';

type Cell = string | number | null | undefined;

/** Pads the rows into columns below their names; numbers stand at the right, and what is unknown is a hyphen. */
export function formatTable(names: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => names.map((_, column) => oneLine(`${row[column] ?? '-'}`)));
  const columns = names.map((name, column) => {
    const width = Math.max(name.length, ...texts.map((row) => row[column]?.length ?? 0));
    // A figure may come as text, with the digits that it should have.
    const isText = texts.some((row) => !/^[\d.]+$|^-$/.test(row[column] ?? ''));
    return (text = '') => (isText ? text.padEnd(width) : text.padStart(width));
  });
  const line = (row: readonly string[]) =>
    columns
      .map((pad, column) => pad(row[column]))
      .join('  ')
      .trimEnd();
  return [names, ...texts].map((row) => `  ${line(row)}`).join('\n');
}

/** `1 key`, `2 keys`. */
export const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** A title with a line for each part: a table of so long texts is wider than a screen. */
export function block(title: string, parts: readonly (readonly [string, string])[]): string {
  const lines = parts.map(([name, text]) => `  ${`${name}:`.padEnd(12)}${oneLine(text)}`);
  return [oneLine(title), ...lines].join('\n');
}

/** A text of several lines that somebody wrote, indented below the line of this program that says who. */
export function quote(heading: string, text: string): string {
  const lines = printable(text).split('\n');
  return [oneLine(heading), ...lines.map((line) => `    ${line}`.trimEnd())].join('\n');
}

/** A time of the API to the minute, in UTC as the API has it. */
export const minute = (time: string) => time.slice(0, 16).replace('T', ' ');
