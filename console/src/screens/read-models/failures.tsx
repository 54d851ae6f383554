import { texts } from '../../language';
import { DataTable } from '../../parts/data-table';
import { inspectorOf } from '../inspector/places';
import type { ReadModel } from './state-of-model';

/** The documents that cannot be made. */
export function Failures({ models }: { models: readonly ReadModel[] }) {
  const { columns, one: text } = texts.value.readModels;
  const rows = models.flatMap(({ view, failures }) => failures.map((failure) => ({ ...failure, view })));
  if (rows.length === 0) return null;
  return (
    <section aria-labelledby="failures">
      <h2 id="failures">{text.failures}</h2>
      <p>{text.failuresHint}</p>
      <DataTable
        caption={text.failures}
        rows={rows}
        keyOf={({ view, key }) => inspectorOf(view, key)}
        columns={[
          { title: columns.view, cell: ({ view }) => view },
          { title: text.key, cell: ({ view, key }) => <a href={inspectorOf(view, key)}>{key}</a> },
          { title: text.class, cell: ({ error }) => error },
        ]}
      />
    </section>
  );
}
