import { api } from '../../api';
import { sayCount, texts } from '../../language';
import { useList } from '../../pages';
import { Ago } from '../../parts/ago';
import { DataTable } from '../../parts/data-table';
import { Loaded } from '../../parts/loaded';
import { More } from '../../parts/more';
import type { FoundPerson } from '../../parts/person-search';
import { useRead } from '../../read';
import { AccountState } from './account-state';

interface Row {
  id: string;
  name: string;
}

/** A search finds at most so many. */
const mostFound = 20;
const dayMs = 86_400_000;

/** When an account was made: the first 48 bits of its id are that time (UUIDv7, RFC 9562). */
const timeOf = (id: string) => new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toISOString();

/** All accounts, the newest first. */
export function Newest() {
  const text = texts.value.people;
  const list = useList<Row>('people', (cursor, headers) => api().users.$get({ query: { cursor } }, { headers }));
  return (
    <section aria-labelledby="newest">
      <h2 id="newest">{text.newest}</h2>
      <Loaded read={list.read}>
        {() => (
          <ul class="newest">
            {list.rows?.map(({ id, name }) => (
              <li key={id}>
                <a href={`/console/people/${id}`}>{name}</a>{' '}
                <span class="quiet">
                  <Ago time={timeOf(id)} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      <More list={list} />
    </section>
  );
}

function FoundRows({ rows }: { rows: readonly FoundPerson[] }) {
  const { columns, most } = texts.value.people;
  if (rows.length === 0) return <p>{texts.value.findPeople.nobody}</p>;
  return (
    <>
      <DataTable
        caption={sayCount(texts.value.people.found, rows.length)}
        rows={rows}
        keyOf={({ id }) => id}
        columns={[
          { title: columns.name, cell: ({ id, name }) => <a href={`/console/people/${id}`}>{name}</a> },
          { title: columns.email, cell: ({ email }) => email },
          { title: columns.role, cell: ({ role }) => texts.value.role[role] },
          { title: columns.state, cell: ({ isActive }) => <AccountState isActive={isActive} /> },
          { title: columns.registered, cell: ({ id }) => <Ago time={timeOf(id)} /> },
        ]}
      />
      {rows.length === mostFound && <p class="quiet">{most}</p>}
    </>
  );
}

/** The accounts that a search finds. Each search is in the audit trail, so it is not repeated every few seconds. */
export function Found({ search }: { search: string }) {
  const text = texts.value.people;
  const read = useRead(
    `people ${search}`,
    async (headers) => {
      const response = await api().users.$get({ query: { search } }, { headers });
      // Rows of a search have the address; those of the list have not.
      return response as Omit<typeof response, 'json'> & { json(): Promise<{ data: FoundPerson[] }> };
    },
    dayMs,
  );
  const count = read.data.value?.data.length;
  return (
    <section aria-labelledby="found">
      <h2 id="found">
        <span role="status">{count === undefined ? texts.value.loading : sayCount(text.found, count)}</span>
      </h2>
      <Loaded read={read}>{({ data }) => <FoundRows rows={data} />}</Loaded>
      <p>
        <a href="/console/people">{text.all}</a>
      </p>
    </section>
  );
}
