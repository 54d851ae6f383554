import { useAddress } from '../../address';
import { api } from '../../api';
import { format, say, texts } from '../../language';
import { useList } from '../../pages';
import { Ago } from '../../parts/ago';
import { DataTable } from '../../parts/data-table';
import { ListTitle } from '../../parts/list-title';
import { Loaded } from '../../parts/loaded';
import { More } from '../../parts/more';
import { PersonName } from '../../parts/person-name';
import { useTitle } from '../../title';
import { type Address, type Filter, Filters } from './filters';
import { StatusOfOrder, statuses } from './order-status';

/** The list that the address asks for. */
function useOrders({ status, customer, number }: Address['query']) {
  const query = number ? { number: Number(number) } : { customer, status: statuses.find((one) => one === status) };
  return useList(`orders ${JSON.stringify(query)}`, (cursor, headers) =>
    api().orders.$get({ query: { ...query, cursor } }, { headers }),
  );
}

/** The orders of the shop. */
export function Orders() {
  const address = useAddress<Filter>();
  const list = useOrders(address.query);
  const text = texts.value.orders;
  const { number } = address.query;
  useTitle(texts.value.sections.orders);
  return (
    <>
      <ListTitle>{texts.value.sections.orders}</ListTitle>
      <Filters {...address} />
      <Loaded read={list.read}>
        {() =>
          number && list.rows?.length === 0 ? (
            <p role="status">{say(text.noNumber, { number })}</p>
          ) : (
            <DataTable
              caption={text.list}
              rows={list.rows ?? []}
              keyOf={({ id }) => id}
              columns={[
                {
                  title: text.columns.number,
                  cell: (order) => <a href={`/console/orders/${order.id}`}>{order.number}</a>,
                },
                {
                  title: text.columns.customer,
                  cell: ({ customerId }) => <PersonName id={customerId} />,
                },
                { title: text.columns.placed, cell: ({ createdAt }) => <Ago time={createdAt} /> },
                { title: text.columns.status, cell: ({ status }) => <StatusOfOrder status={status} /> },
                { title: text.columns.items, isNumber: true, cell: ({ lineCount }) => format.value.number(lineCount) },
                { title: text.columns.total, isNumber: true, cell: ({ total }) => format.value.money(total) },
              ]}
            />
          )
        }
      </Loaded>
      {!number && <More list={list} />}
    </>
  );
}
