import { api } from '../../api';
import { format, say, texts } from '../../language';
import { DataTable } from '../../parts/data-table';
import { Loaded } from '../../parts/loaded';
import { useRead } from '../../read';

/** How long events wait for their documents, now and over the last hour. */
export function Lags() {
  const read = useRead('projections', (headers) => api().operations.projections.$get({}, { headers }));
  const text = texts.value.overview.lag;
  const seconds = (value: number | null) =>
    value === null ? text.none : say(text.seconds, { value: format.value.number(value) });
  return (
    <section aria-labelledby="lag">
      <h2 id="lag">{text.title}</h2>
      <Loaded read={read}>
        {({ data }) => (
          <DataTable
            caption={text.title}
            rows={data}
            keyOf={({ view }) => view}
            columns={[
              { title: text.model, cell: ({ view }) => view },
              { title: text.now, isNumber: true, cell: ({ lagSeconds }) => seconds(lagSeconds) },
              { title: text.usual, isNumber: true, cell: ({ lagP50Seconds }) => seconds(lagP50Seconds) },
              { title: text.late, isNumber: true, cell: ({ lagP99Seconds }) => seconds(lagP99Seconds) },
            ]}
          />
        )}
      </Loaded>
    </section>
  );
}
