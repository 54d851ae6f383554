import type { ComponentChildren } from 'preact';
import { texts } from '../language';

export interface Column<Row> {
  title: string;
  cell: (row: Row) => ComponentChildren;
  isNumber?: boolean;
}

/** A table of rows. On a narrow screen each row becomes a block, in which each value has the title of its column. */
export function DataTable<Row>({
  caption,
  columns,
  rows,
  keyOf,
  isSlim = false,
}: {
  /** What the table shows; only screen readers read it, because a heading stands above. */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  /** A few short columns, which stay a table on a narrow screen too. */
  isSlim?: boolean;
}) {
  if (rows.length === 0) return <p class="quiet">{texts.value.empty}</p>;
  return (
    <table class={isSlim ? 'slim' : 'data'}>
      <caption>{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ title, isNumber }) => (
            <th key={title} scope="col" class={isNumber ? 'number' : undefined}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map(({ title, cell, isNumber }) => (
              <td key={title} data-title={title} class={isNumber ? 'number' : undefined}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
