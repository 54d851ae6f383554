import { api } from '../../api';
import { format, say, texts } from '../../language';
import { Ago } from '../../parts/ago';
import { DataTable } from '../../parts/data-table';
import { useRead } from '../../read';

/** Deleted accounts of which something is left; nothing without any. */
export function Erasures() {
  const read = useRead('erasures', (headers) => api().operations.erasures.$get({}, { headers }));
  const text = texts.value.people.erasures;
  const rows = read.data.value?.data ?? [];
  if (rows.length === 0) return null;
  return (
    <section aria-labelledby="erasures">
      <h2 id="erasures">{text.title}</h2>
      <p class="quiet">{text.hint}</p>
      <DataTable
        caption={text.title}
        rows={rows}
        keyOf={({ userId }) => userId}
        columns={[
          { title: text.account, cell: ({ userId }) => <a href={`/console/people/${userId}`}>{userId}</a> },
          {
            title: text.rows,
            isNumber: true,
            cell: ({ rows, rowsLeft }) =>
              say(text.of, { rows: format.value.number(rows), total: format.value.number(rows + rowsLeft) }),
          },
          { title: text.progress, cell: ({ progressedAt }) => <Ago time={progressedAt} /> },
        ]}
      />
    </section>
  );
}
