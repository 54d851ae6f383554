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

/** Whether the first page has moved on so far that rows between it and the others are not known. */
const hasGap = <Row extends { id: string }>(first: readonly Row[], further: readonly Row[]) =>
  further.length > 0 && !first.some(({ id }) => further.some((row) => row.id === id));

/** Two parts of a list, without the rows of the second part that have moved to the first one since. */
function join<Row extends { id: string }>(first: readonly Row[], further: readonly Row[]): Row[] {
  const onFirst = new Set(first.map(({ id }) => id));
  return [...first, ...further.filter(({ id }) => !onFirst.has(id))];
}

/** What follows the first page. */
interface Further<Row> {
  rows: Row[];
  pages: number;
  nextCursor: string | null;
}

/**
 * Reads a list.
 * @param key names the list with its filters; with another key the pages of the old one are dropped
 * @param send requests the page after a cursor, with these headers
 * @param growsAtTop rows never leave the list, and new ones come first: those that leave the first page stay below it, and where too
 *   many came at once for that, the pages that are shown stay as they are
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
  const older = further.value?.rows ?? [];
  const isApart = growsAtTop && first !== undefined && hasGap(first.data, older);
  const rows = isApart ? older : first && join(first.data, older);
  const readPage = async (cursor: string) => (await send(cursor, {})).json();

  /** Reads the pages after the first one again, because rows have moved between them, and others have changed. */
  async function readFurther(known: Further<Row>, firstCursor: string | null) {
    const next: Further<Row> = { rows: [], pages: 0, nextCursor: firstCursor };
    while (next.nextCursor !== null && next.pages < known.pages) {
      const page = await readPage(next.nextCursor);
      next.rows = join(next.rows, page.data);
      next.nextCursor = page.nextCursor;
      next.pages++;
    }
    // Not if somebody has asked for more pages, or for another list, meanwhile.
    if (further.value === known) further.value = next;
  }

  useEffect(() => {
    const { value: known } = further;
    if (!known || !first || !rows) return;
    if (growsAtTop) {
      // A log that is open for hours would grow without end, and begins with its first page again.
      further.value = rows.length > mostRows ? undefined : { ...known, rows };
    } else if (time() - readFurtherAt.current >= known.pages * pageMs) {
      readFurtherAt.current = time();
      // What could not be read is tried again soon, and the first page says that something fails.
      readFurther(known, first.nextCursor).catch(() => undefined);
    }
  }, [first, read.readAt.value]);

  async function readMore(cursor: string) {
    const page = await readPage(cursor);
    // Somebody has chosen other filters meanwhile.
    if (shownKey.current !== key) return;
    const shown = growsAtTop ? (rows ?? []) : (further.value?.rows ?? []);
    const pages = (further.value?.pages ?? 0) + 1;
    further.value = { rows: join(shown, page.data), pages, nextCursor: page.nextCursor };
  }

  const nextCursor = further.value ? further.value.nextCursor : (first?.nextCursor ?? null);
  return {
    read,
    rows,
    total: first?.total,
    more: nextCursor === null ? undefined : () => readMore(nextCursor),
  };
}
