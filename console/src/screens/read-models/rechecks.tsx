import { api } from '../../api';
import { format, texts } from '../../language';
import { useList } from '../../pages';
import { DataTable } from '../../parts/data-table';
import { Loaded } from '../../parts/loaded';
import { More } from '../../parts/more';
import { inspectorOf } from '../inspector/places';

/** The documents of a read model that are made once more, those first that are due first. */
export function Rechecks({ view }: { view: string }) {
  const list = useList(`rechecks of ${view}`, (cursor, headers) =>
    api().operations.rechecks.$get({ query: { view, cursor } }, { headers }),
  );
  const { one, rechecks: text, columns } = texts.value.readModels;
  return (
    <section aria-labelledby="rechecks">
      <h2 id="rechecks">{text.title}</h2>
      <p>{text.hint}</p>
      <Loaded read={list.read}>
        {() => (
          <DataTable
            caption={text.title}
            rows={list.rows ?? []}
            keyOf={({ id }) => id}
            columns={[
              { title: one.key, cell: ({ key }) => <a href={inspectorOf(view, key)}>{key}</a> },
              { title: columns.position, isNumber: true, cell: ({ position }) => position },
              { title: text.due, cell: ({ recheckAt }) => format.value.until(recheckAt) },
            ]}
          />
        )}
      </Loaded>
      {list.more && <More list={list} />}
    </section>
  );
}
