import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { time } from './clock';
import { type Read, useRead } from './read';

/** A page of a list as the API sends it. */
export interface Page<Row> {
  data: Row[];
  nextCursor: string | null;
  total?: number | undefined;
}

interface PageResponse<Row> {
  readonly status: number;
  readonly headers: Headers;
  json(): Promise<Page<Row>>;
}

/** A list, which is read again and again. Further pages are added when somebody asks for them. */
export interface List<Row> {
  read: Read<Page<Row>>;
  rows: readonly Row[] | undefined;
  total: number | undefined;
  /** Reads the next page; undefined at the end of the list. */
  more: (() => Promise<void>) | undefined;
}

/** The pages after the first one are read at most this often, times their number, so that a long list sends one request a second. */
const pageMs = 1_000;

/** How many rows of a list that grows at its top are kept. */
const mostRows = 2_000;

/** How many new pages are read between the first page and the rows that are known. */
const mostPagesBetween = 10;

/** Whether two parts of a list have a row in common. */
const doMeet = <Row extends { id: string }>(first: readonly Row[], further: readonly Row[]) =>
  first.some(({ id }) => further.some((row) => row.id === id));

/** Two parts of a list, without the rows of the second part that have moved to the first one since. */
function join<Row extends { id: string }>(first: readonly Row[], further: readonly Row[]): Row[] {
  const onFirst = new Set(first.map(({ id }) => id));
  return [...first, ...further.filter(({ id }) => !onFirst.has(id))];
}

/** The rows of a list that stand below its first page. */
interface Further<Row> {
  /** The first page after which no row is missing here. */
  first: Page<Row>;
  rows: readonly Row[];
  pages: number;
  nextCursor: string | null;
}

/**
 * Reads a list.
 * @param key names the list with its filters; with another key the pages of the old one are dropped
 * @param send requests the page after a cursor, with these headers
 * @param growsAtTop rows never leave the list, and new ones come first: those that leave the first page stay below it, and where a
 *   whole page and more came at once, what lies between is read; a list that has moved on farther begins with its first page again
 */
export function useList<Row extends { id: string }>(
  key: string,
  send: (cursor: string | undefined, headers: Record<string, string>) => Promise<PageResponse<Row>>,
  { growsAtTop = false } = {},
): List<Row> {
  const read = useRead(key, (headers) => send(undefined, headers));
  const further = useSignal<Further<Row> | undefined>(undefined);
  const shownKey = useRef(key);
  const readFurtherAt = useRef(0);
  useEffect(() => {
    shownKey.current = key;
    further.value = undefined;
  }, [key]);
  const first = read.data.value;
  const { value: known } = further;
  const older = known?.rows ?? [];
  const isApart =
    growsAtTop && known !== undefined && first !== undefined && known.first !== first && !doMeet(first.data, older);
  const rows = isApart ? older : first && join(first.data, older);
  const readPage = async (cursor: string) => (await send(cursor, {})).json();
  /** Replaces the rows below the first page, unless somebody has asked for more pages, or for another list, meanwhile. */
  const replace = (old: Further<Row>, by: Further<Row> | undefined) => {
    if (further.value === old) further.value = by;
  };

  /** Reads the pages after the first one again, because rows have moved between them, and others have changed. */
  async function readFurther(known: Further<Row>, first: Page<Row>) {
    const next = { first, rows: [] as Row[], pages: 0, nextCursor: first.nextCursor };
    while (next.nextCursor !== null && next.pages < known.pages) {
      const page = await readPage(next.nextCursor);
      next.rows = join(next.rows, page.data);
      next.nextCursor = page.nextCursor;
      next.pages++;
    }
    replace(known, next);
  }

  /** Reads on from the first page to the rows that are known. */
  async function fillGap(known: Further<Row>, first: Page<Row>) {
    let { data: between, nextCursor } = first;
    for (let pages = known.pages + mostPagesBetween; nextCursor !== null && pages > 0; pages--) {
      const page: Page<Row> = await readPage(nextCursor);
      between = join(between, page.data);
      if (doMeet(page.data, known.rows)) return replace(known, { ...known, first, rows: join(between, known.rows) });
      nextCursor = page.nextCursor;
    }
    replace(known, undefined);
  }

  useEffect(() => {
    if (!known || !first || !rows) return;
    // A log that is open for hours would grow without end, and begins with its first page again.
    if (growsAtTop && rows.length > mostRows) further.value = undefined;
    else if (growsAtTop && !isApart) further.value = { ...known, first, rows };
    else if (time() - readFurtherAt.current >= known.pages * pageMs) {
      readFurtherAt.current = time();
      // What could not be read is tried again soon, and the first page says that something fails.
      (isApart ? fillGap : readFurther)(known, first).catch(() => undefined);
    }
  }, [first, read.readAt.value]);

  async function readMore(cursor: string) {
    const page = await readPage(cursor);
    // Somebody has chosen other filters meanwhile.
    if (shownKey.current !== key || !first) return;
    const { value: newest } = further;
    const shown = growsAtTop ? (rows ?? []) : (newest?.rows ?? []);
    further.value = {
      first: (isApart && newest?.first) || first,
      rows: join(shown, page.data),
      pages: (newest?.pages ?? 0) + 1,
      nextCursor: page.nextCursor,
    };
  }

  const nextCursor = further.value ? further.value.nextCursor : (first?.nextCursor ?? null);
  return {
    read,
    rows,
    total: first?.total,
    more: nextCursor === null ? undefined : () => readMore(nextCursor),
  };
}
