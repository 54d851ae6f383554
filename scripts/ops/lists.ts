// How every list is printed: a table, and what leads to its next page.
import { formatTable } from '../table';

interface Page {
  nextCursor: string | null;
  total?: number | undefined;
}

type Rows = Parameters<typeof formatTable>;

/** A page of a list for people. */
export function describePage({ nextCursor, total }: Page, names: Rows[0], rows: Rows[1]): string {
  if (rows.length === 0) return 'There are none.';
  const shown = total === undefined || total === rows.length ? [] : [`${rows.length} of ${total}.`];
  const next = nextCursor === null ? [] : [`The next page: --cursor ${nextCursor}`];
  const end = [...shown, ...next].join(' ');
  return [formatTable(names, rows), ...(end ? [end] : [])].join('\n\n');
}
