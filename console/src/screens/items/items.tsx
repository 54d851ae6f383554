import { useAddress } from '../../address';
import { api } from '../../api';
import { format, texts } from '../../language';
import { useList } from '../../pages';
import { DataTable } from '../../parts/data-table';
import { FilterLinks } from '../../parts/filter-links';
import { ListTitle } from '../../parts/list-title';
import { Loaded } from '../../parts/loaded';
import { More } from '../../parts/more';
import { PersonName } from '../../parts/person-name';
import { PersonSearch } from '../../parts/person-search';
import { person } from '../../session';
import { useTitle } from '../../title';
import { StateOfItem } from './item-state';

type Address = ReturnType<typeof useAddress<'active' | 'owner'>>;

/** The list that the address asks for. */
function useItems({ active, owner }: Address['query']) {
  const query = { owner, active: (['true', 'false'] as const).find((one) => one === active) };
  return useList(`items ${JSON.stringify(query)}`, (cursor, headers) =>
    api().items.$get({ query: { ...query, cursor } }, { headers }),
  );
}

function Filters({ query, set }: Address) {
  const { owner } = query;
  const text = texts.value.items;
  return (
    <>
      <FilterLinks
        label={text.columns.state}
        name="active"
        query={query}
        links={[
          ['', text.all],
          ['true', text.state.on],
          ['false', text.state.off],
        ]}
      />
      <section class="filters" aria-label={text.filters}>
        {owner ? (
          <p class="of-person">
            {text.ofPerson}{' '}
            <strong>
              <PersonName id={owner} />
            </strong>{' '}
            <button type="button" onClick={() => set({ owner: '' })}>
              {text.everybody}
            </button>
          </p>
        ) : (
          <>
            <PersonSearch label={text.search} onPick={({ id }) => set({ owner: id })} />
            <p class="beside-field">
              <button type="button" onClick={() => set({ owner: person.value.id })}>
                {text.mine}
              </button>
            </p>
          </>
        )}
      </section>
    </>
  );
}

/** The items of the shop. */
export function Items() {
  const address = useAddress<'active' | 'owner'>();
  const list = useItems(address.query);
  const text = texts.value.items;
  useTitle(texts.value.sections.items);
  return (
    <>
      <ListTitle>{texts.value.sections.items}</ListTitle>
      <Filters {...address} />
      <Loaded read={list.read}>
        {() => (
          <DataTable
            caption={text.list}
            rows={list.rows ?? []}
            keyOf={({ id }) => id}
            columns={[
              { title: text.columns.title, cell: ({ id, title }) => <a href={`/console/items/${id}`}>{title}</a> },
              { title: text.columns.owner, cell: ({ ownerId }) => <PersonName id={ownerId} /> },
              { title: text.columns.state, cell: (item) => <StateOfItem item={item} /> },
              { title: text.columns.price, isNumber: true, cell: ({ price }) => format.value.money(price) },
            ]}
          />
        )}
      </Loaded>
      <More list={list} />
    </>
  );
}
