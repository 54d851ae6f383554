import { useRoute } from 'preact-iso';
import { format, say, texts } from '../../language';
import { DataTable } from '../../parts/data-table';
import { Loaded } from '../../parts/loaded';
import { PersonName } from '../../parts/person-name';
import { ProblemNotice } from '../../parts/problem';
import { isMissing } from '../../read';
import { useTitle } from '../../title';
import { type Stocks, useStocks } from './stocks';
import { type OpenOrder, type OrderDetail, useOrder } from './use-order';
import { Work } from './work';
import './order.css';

function Lines({ order: { lines, total }, stocks }: { order: OrderDetail; stocks: Stocks | undefined }) {
  const text = texts.value.order;
  const { money, number } = format.value;
  function inStock(itemId: string) {
    if (!stocks) return '…';
    const stock = stocks.get(itemId);
    if (stock === undefined) return <span class="quiet">{text.deleted}</span>;
    return stock === null ? <span class="quiet">{text.unlimited}</span> : number(stock);
  }
  return (
    <>
      <h2>{text.lines}</h2>
      <DataTable
        caption={text.lines}
        rows={lines}
        keyOf={({ itemId }) => itemId}
        columns={[
          { title: text.columns.item, cell: ({ itemId, title }) => <a href={`/console/items/${itemId}`}>{title}</a> },
          { title: text.columns.pieces, isNumber: true, cell: ({ quantity }) => number(quantity) },
          { title: text.columns.price, isNumber: true, cell: ({ price }) => money(price) },
          {
            title: text.columns.sum,
            isNumber: true,
            cell: ({ quantity, price }) => money({ ...price, amount: price.amount * quantity }),
          },
          { title: text.columns.stock, isNumber: true, cell: ({ itemId }) => inStock(itemId) },
        ]}
      />
      <p class="total">
        {text.total} <strong>{money(total)}</strong>
      </p>
    </>
  );
}

function Recipient({ order: { customerId, shippingAddress: to } }: { order: OrderDetail }) {
  const text = texts.value.order;
  return (
    <div class="recipient">
      <section aria-labelledby="address">
        <h2 id="address">{text.address}</h2>
        {to ? (
          <address>
            {to.name}
            <br />
            {to.line1}
            <br />
            {to.line2 && (
              <>
                {to.line2}
                <br />
              </>
            )}
            {to.postalCode} {to.city}
            <br />
            {to.country}
          </address>
        ) : (
          <p class="quiet">{text.noAddress}</p>
        )}
      </section>
      <section aria-labelledby="customer">
        <h2 id="customer">{text.customer}</h2>
        {customerId === null ? (
          <p class="quiet">
            <PersonName id={null} />
          </p>
        ) : (
          <>
            <p>
              <a href={`/console/people/${customerId}`}>
                <PersonName id={customerId} />
              </a>
            </p>
            <p>
              <a href={`/console/orders?customer=${customerId}`}>{text.theirOrders}</a> ·{' '}
              <a href={`/console/tickets?customer=${customerId}`}>{text.theirTickets}</a>
            </p>
          </>
        )}
      </section>
    </div>
  );
}

function Content({ order, open }: { order: OrderDetail; open: OpenOrder }) {
  const text = texts.value.order;
  const stocks = useStocks(order);
  return (
    <>
      <h1>{say(text.title, { number: String(order.number) })}</h1>
      <p class="quiet">
        {say(text.placed, { time: format.value.time(order.createdAt) })}
        {order.updatedAt !== order.createdAt && ` · ${say(text.changed, { time: format.value.time(order.updatedAt) })}`}
      </p>
      <Work order={order} stocks={stocks.data.value} open={open} />
      <Lines order={order} stocks={stocks.data.value} />
      <ProblemNotice error={stocks.error.value} retry={() => void stocks.refresh()} />
      <Recipient order={order} />
    </>
  );
}

function OrderOf({ id }: { id: string }) {
  const open = useOrder(id);
  const text = texts.value.order;
  const number = open.read.data.value?.number;
  useTitle(number === undefined ? undefined : say(text.title, { number: String(number) }));
  return (
    <>
      <p class="title">
        <a href="/console/orders">← {text.back}</a>
      </p>
      {isMissing(open.read.error.value) ? (
        <p role="alert">{text.missing}</p>
      ) : (
        <Loaded read={open.read}>{(order) => <Content order={order} open={open} />}</Loaded>
      )}
    </>
  );
}

/** An order: what was ordered, by whom, and the steps of its delivery. */
export function Order() {
  const { id = '' } = useRoute().params;
  return <OrderOf key={id} id={id} />;
}
