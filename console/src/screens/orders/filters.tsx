import { useId } from 'preact/hooks';
import type { useAddress } from '../../address';
import { api } from '../../api';
import { texts } from '../../language';
import { FilterLinks } from '../../parts/filter-links';
import { PersonName } from '../../parts/person-name';
import { PersonSearch } from '../../parts/person-search';
import { useRead } from '../../read';
import { statuses } from './order-status';

/** What the address of the list says. */
export type Filter = 'status' | 'customer' | 'number';
export type Address = ReturnType<typeof useAddress<Filter>>;

/** Links to each status, with how many orders have it; of one person's orders nobody has counted them. */
function StatusLinks({ query }: Pick<Address, 'query'>) {
  const text = texts.value.orders;
  const { data } = useRead('sales-dashboard', (headers) => api().dashboard.sales.$get({}, { headers }));
  const counts = query.customer ? undefined : data.value?.counts;
  const all = counts && statuses.reduce((sum, status) => sum + counts[status], 0);
  return (
    <FilterLinks
      label={text.columns.status}
      name="status"
      query={query}
      links={[
        ['', text.all, all],
        ...statuses.map((status) => [status, text.status[status], counts?.[status]] as const),
      ]}
    />
  );
}

function NumberSearch({ set }: Pick<Address, 'set'>) {
  const text = texts.value.orders;
  const id = useId();
  function submit(event: SubmitEvent) {
    event.preventDefault();
    const number = String(new FormData(event.currentTarget as HTMLFormElement).get('number')).trim();
    set({ number, status: '', customer: '' });
  }
  return (
    <search class="person-search">
      <form onSubmit={submit}>
        <label for={id}>{text.number}</label>
        <div class="with-button">
          <input id={id} name="number" inputMode="numeric" required pattern="\s*\d{1,15}\s*" autocomplete="off" />
          <button type="submit">{text.find}</button>
        </div>
      </form>
    </search>
  );
}

/** The filters of the list. A number has one order, so it takes the place of the others. */
export function Filters({ query, set }: Address) {
  const text = texts.value.orders;
  const isNarrow = query.number || query.customer;
  return (
    <>
      {!query.number && <StatusLinks query={query} />}
      <section class="filters" aria-label={text.filters}>
        {isNarrow ? (
          <p class="of-person">
            {query.number ? text.withNumber : text.ofPerson}{' '}
            <strong>{query.number ?? <PersonName id={query.customer ?? ''} />}</strong>{' '}
            <button type="button" onClick={() => set({ number: '', customer: '' })}>
              {text.everything}
            </button>
          </p>
        ) : (
          <>
            <NumberSearch set={set} />
            <PersonSearch label={text.search} onPick={({ id }) => set({ customer: id })} />
          </>
        )}
      </section>
    </>
  );
}
