import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
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

/** A list: its first page is read again and again, and further pages are added when somebody asks for them. */
export interface List<Row> {
  read: Read<Page<Row>>;
  rows: readonly Row[] | undefined;
  total: number | undefined;
  /** Reads the next page; undefined at the end of the list. */
  more: (() => Promise<void>) | undefined;
}

/** Whether the first page has moved on so far that rows between it and the others are not known. */
const hasGap = <Row extends { id: string }>(first: readonly Row[], further: readonly Row[]) =>
  further.length > 0 && !first.some(({ id }) => further.some((row) => row.id === id));

/** Two parts of a list, without the rows of the second part that have moved to the first one since. */
function join<Row extends { id: string }>(first: readonly Row[], further: readonly Row[]): Row[] {
  const onFirst = new Set(first.map(({ id }) => id));
  return [...first, ...further.filter(({ id }) => !onFirst.has(id))];
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
  const further = useSignal<{ rows: Row[]; nextCursor: string | null } | undefined>(undefined);
  useEffect(() => {
    further.value = undefined;
  }, [key]);
  const first = read.data.value;
  const older = further.value?.rows ?? [];
  const isApart = growsAtTop && first !== undefined && hasGap(first.data, older);
  const rows = isApart ? older : first && join(first.data, older);
  useEffect(() => {
    if (growsAtTop && further.value && rows) further.value = { ...further.value, rows };
  }, [first]);
  const nextCursor = further.value ? further.value.nextCursor : (first?.nextCursor ?? null);
  return {
    read,
    rows,
    total: first?.total,
    more:
      nextCursor === null
        ? undefined
        : async () => {
            const page = await (await send(nextCursor, {})).json();
            const shown = growsAtTop ? (rows ?? []) : older;
            further.value = { rows: [...shown, ...page.data], nextCursor: page.nextCursor };
          },
  };
}
