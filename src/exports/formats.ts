import type { PartsOfRows } from './parts-of-rows';
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

/** Makes the text of a row: a start, its parts as a JSON array, and an end. */
interface RowText {
  start(row: Row): string;
  /** Writes JSON inside of the row. */
  json(text: string): string;
  end: string;
}

async function* toRows(pages: Pages, text: RowText, parts: PartsOfRows | undefined): AsyncGenerator<string> {
  for await (const rows of pages) {
    if (!parts) yield rows.map((row) => text.start(row) + text.end).join('');
    else yield* joined(rows, (row) => toRowWithParts(row, text, parts));
  }
}

/** How many characters are sent together: a client should not have to ask for each row. */
const longestText = 65_536;

async function* joined(rows: readonly Row[], textsOf: (row: Row) => AsyncGenerator<string>): AsyncGenerator<string> {
  let texts = '';
  for (const row of rows) {
    for await (const text of textsOf(row)) {
      texts += text;
      if (texts.length < longestText) continue;
      yield texts;
      texts = '';
    }
  }
  if (texts !== '') yield texts;
}

/** Each page of parts is a text of its own, so that memory holds one of them; most rows are one text. */
async function* toRowWithParts(row: Row, text: RowText, parts: PartsOfRows): AsyncGenerator<string> {
  let before = `${text.start(row)}${text.json('[')}`;
  let separator = '';
  for await (const page of parts.of(row)) {
    yield before + text.json(separator + page.map((part) => JSON.stringify(part)).join(','));
    before = '';
    separator = ',';
  }
  yield `${before}${text.json(']')}${text.end}`;
}

/** Makes CSV with a header. The parts of a row are JSON in its last cell. */
async function* toCsv(pages: Pages, columns: readonly string[], parts?: PartsOfRows): AsyncGenerator<string> {
  yield toLine(parts ? [...columns, parts.name] : columns);
  const cells = (row: Row) => columns.map((column) => toCell(row[column])).join(',');
  const text: RowText = parts
    ? { start: (row) => `${cells(row)},"`, json: (json) => json.replaceAll('"', '""'), end: '"\r\n' }
    : { start: cells, json: String, end: '\r\n' };
  yield* toRows(pages, text, parts);
}

/** Makes one JSON text for each row, with a line feed after it. The parts of a row are its last member. */
function toNdjson(pages: Pages, parts?: PartsOfRows): AsyncGenerator<string> {
  const start = (row: Row) =>
    parts ? `${JSON.stringify(row).slice(0, -1)},${JSON.stringify(parts.name)}:` : JSON.stringify(row);
  return toRows(pages, { start, json: String, end: parts ? '}\n' : '\n' }, parts);
}

/** @param columns the columns of CSV, in their order, without that of the parts */
export function toReport(
  format: Format,
  { pages, parts }: { pages: Pages; parts?: PartsOfRows | undefined },
  columns: readonly string[],
): AsyncGenerator<string> {
  return format === 'csv' ? toCsv(pages, columns, parts) : toNdjson(pages, parts);
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
