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

/**
 * Reads a list.
 * @param key names the list with its filters; with another key the pages of the old one are dropped
 * @param send requests the page after a cursor, with these headers
 */
export function useList<Row extends { id: string }>(
  key: string,
  send: (cursor: string | undefined, headers: Record<string, string>) => Promise<PageResponse<Row>>,
): List<Row> {
  const read = useRead(key, (headers) => send(undefined, headers));
  const further = useSignal<{ rows: Row[]; nextCursor: string | null } | undefined>(undefined);
  useEffect(() => {
    further.value = undefined;
  }, [key]);
  const first = read.data.value;
  const nextCursor = further.value ? further.value.nextCursor : (first?.nextCursor ?? null);
  // A row that has moved to the first page since stands there only.
  const onFirst = new Set(first?.data.map(({ id }) => id));
  return {
    read,
    rows: first && [...first.data, ...(further.value?.rows ?? []).filter(({ id }) => !onFirst.has(id))],
    total: first?.total,
    more:
      nextCursor === null
        ? undefined
        : async () => {
            const page = await (await send(nextCursor, {})).json();
            further.value = { rows: [...(further.value?.rows ?? []), ...page.data], nextCursor: page.nextCursor };
          },
  };
}
