import { useAction } from '../../act';
import { format, say, sayCount, texts } from '../../language';
import { ConfirmedButton } from '../../parts/confirm';
import type { Stocks } from './stocks';
import type { OpenOrder, OrderDetail } from './use-order';

/** What the cancellation of an order does to the stock of a line's item, in words. */
function effectOf({ itemId, title, quantity, tookStock }: OrderDetail['lines'][number], stocks: Stocks | undefined) {
  const { effect, deleted, notTaken, unlimited } = texts.value.order;
  const { number } = format.value;
  const stock = stocks?.get(itemId);
  if (!tookStock) return say(effect.none, { title, why: stock === null ? unlimited : notTaken });
  if (stocks && stock == null) return say(effect.none, { title, why: stock === null ? unlimited : deleted });
  return sayCount(effect.back, quantity, { title, stock: stock == null ? '…' : number(stock) });
}

/** The button that cancels an order, once the person has read what that does. */
export function Cancel({ order, stocks, open }: { order: OrderDetail; stocks: Stocks | undefined; open: OpenOrder }) {
  const cancel = useAction(() => open.send('cancel'));
  const text = texts.value.order;
  return (
    <ConfirmedButton
      label={text.act.cancel}
      title={say(text.question, { number: String(order.number) })}
      action={cancel}
    >
      <ul>
        {order.lines.map((line) => (
          <li key={line.itemId}>{effectOf(line, stocks)}</li>
        ))}
      </ul>
      {order.status === 'shipped' && <p>{text.underWay}</p>}
      <p>{text.final}</p>
    </ConfirmedButton>
  );
}
