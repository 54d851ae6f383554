import { useSignal } from '@preact/signals';
import type { useAddress } from '../../address';
import { api } from '../../api';
import { texts } from '../../language';
import { FilterLinks } from '../../parts/filter-links';
import { PersonName } from '../../parts/person-name';
import { PersonSearch } from '../../parts/person-search';
import { nameOf } from '../../people';
import { useRead } from '../../read';
import { statuses } from './ticket-status';

/** What the address of the list says. */
export type Filter = 'status' | 'assignee' | 'note' | 'customer' | 'sort';
export type Address = ReturnType<typeof useAddress<Filter>>;

/** Links to each status, with how many tickets have it. */
function StatusLinks({ query }: Pick<Address, 'query'>) {
  const text = texts.value.tickets;
  const { data } = useRead('ticket-dashboard', (headers) => api().dashboard.tickets.$get({}, { headers }));
  const counts = data.value?.counts;
  const all = counts && counts.open + counts.triaged + counts.closed;
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

function AssigneeFilter({ query: { assignee = '' }, set }: Address) {
  const text = texts.value.tickets;
  const isAsking = useSignal(false);
  const isPerson = !['', 'me', 'none'].includes(assignee);
  function change(value: string) {
    isAsking.value = value === 'search';
    if (value !== 'search') set({ assignee: value, note: '' });
  }
  return (
    <>
      <label>
        {text.assignee}
        <select
          value={isAsking.value ? 'search' : assignee}
          onChange={({ currentTarget }) => change(currentTarget.value)}
        >
          <option value="">{text.anybody}</option>
          <option value="me">{text.me}</option>
          <option value="none">{text.nobody}</option>
          {isPerson && <option value={assignee}>{nameOf(assignee).value ?? '…'}</option>}
          <option value="search">{text.somebody}</option>
        </select>
      </label>
      {isAsking.value && (
        <PersonSearch
          label={text.searchColleague}
          isWanted={({ role }) => role !== 'customer'}
          onPick={({ id }) => change(id)}
        />
      )}
    </>
  );
}

/** The filters of the list. The API has no list for some of them together, so one of these takes the place of the other. */
export function Filters({ query, set }: Address) {
  const text = texts.value.tickets;
  return (
    <>
      <StatusLinks query={query} />
      <section class="filters" aria-label={text.filters}>
        {query.customer ? (
          <p class="of-person">
            {text.ofPerson}{' '}
            <strong>
              <PersonName id={query.customer} />
            </strong>{' '}
            <button type="button" onClick={() => set({ customer: '' })}>
              {text.everybody}
            </button>
          </p>
        ) : (
          <>
            <AssigneeFilter query={query} set={set} />
            <label>
              {text.note}
              <select
                value={query.note ?? ''}
                onChange={({ currentTarget }) => set({ note: currentTarget.value, assignee: '' })}
              >
                <option value="">{text.anyNote}</option>
                <option value="true">{text.hasNote}</option>
                <option value="false">{text.hasNoNote}</option>
              </select>
            </label>
            <label>
              {text.sort}
              <select value={query.sort ?? ''} onChange={({ currentTarget }) => set({ sort: currentTarget.value })}>
                <option value="">{text.updated}</option>
                <option value="created">{text.created}</option>
              </select>
            </label>
            <PersonSearch
              label={text.search}
              onPick={({ id }) => set({ customer: id, assignee: '', note: '', sort: '' })}
            />
          </>
        )}
      </section>
    </>
  );
}
