import type { AccountExport } from './queries';

/** The media types of the exports for reporting. */
export const mediaTypes = { ndjson: 'application/x-ndjson', csv: 'text/csv; charset=utf-8; header=present' } as const;
export type Format = keyof typeof mediaTypes;

/** A cell of CSV (RFC 4180). A value that is no text, number or boolean is JSON. */
function toCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  // Spreadsheets would take such a text for a formula, which can send data elsewhere (OWASP, CSV injection). Some drop spaces first,
  // and take the wide forms of these signs for the usual ones.
  const safe = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const toLine = (cells: readonly string[]) => `${cells.join(',')}\r\n`;

type Row = Readonly<Record<string, unknown>>;
type Pages = AsyncIterable<readonly Row[]>;

/** Makes CSV with a header; each part of the text is a page. */
async function* toCsv(pages: Pages, columns: readonly string[]): AsyncGenerator<string> {
  yield toLine(columns);
  for await (const rows of pages)
    yield rows.map((row) => toLine(columns.map((column) => toCell(row[column])))).join('');
}

/** Makes one JSON text for each row, with a line feed after it; each part of the text is a page. */
async function* toNdjson(pages: Pages): AsyncGenerator<string> {
  for await (const rows of pages) yield rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** @param columns the columns of CSV, in their order */
export function toReport(format: Format, pages: Pages, columns: readonly string[]): AsyncGenerator<string> {
  return format === 'csv' ? toCsv(pages, columns) : toNdjson(pages);
}

/** Makes one JSON object of an account's export, page by page. */
export async function* toAccountDocument({
  head,
  parts,
}: Pick<AccountExport, 'head' | 'parts'>): AsyncGenerator<string> {
  yield JSON.stringify(head).slice(0, -1);
  for (const { name, pages } of parts) {
    yield `,${JSON.stringify(name)}:[`;
    let separator = '';
    for await (const rows of pages) {
      // Only a page after a full one can be empty.
      if (rows.length === 0) continue;
      yield separator + rows.map((row) => JSON.stringify(row)).join(',');
      separator = ',';
    }
    yield ']';
  }
  yield '}';
}
