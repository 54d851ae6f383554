import { useAction } from '../../act';
import { ProblemNotice } from '../../parts/problem';
import { StatusOfOrder } from '../orders/order-status';
import { texts as listTexts } from '../orders/texts';
import { Cancel } from './cancel';
import type { Stocks } from './stocks';
import { texts } from './texts';
import type { OpenOrder, OrderDetail } from './use-order';

/** The status of an order, and the buttons that change it. A step keeps its place, so that nobody clicks twice by mistake. */
export function Work({ order, stocks, open }: { order: OrderDetail; stocks: Stocks | undefined; open: OpenOrder }) {
  const text = texts.value;
  const step = useAction(open.send);
  const { status, customerId } = order;
  const { refused, done } = open;
  const { status: words } = listTexts.value;
  const isOver = status === 'delivered' || status === 'cancelled';
  const canShip = status === 'placed' && customerId !== null;
  const button = (action: 'ship' | 'deliver', isNext: boolean) => (
    <button
      type="button"
      class={isNext ? 'primary' : undefined}
      disabled={!isNext || step.isRunning.value}
      onClick={() => void step.run(action)}
    >
      {text.act[action]}
    </button>
  );
  return (
    <section class="work" aria-label={text.work}>
      <p>
        <StatusOfOrder status={status} />
      </p>
      {!isOver && (
        <>
          <div class="buttons">
            {button('ship', canShip)}
            {button('deliver', status === 'shipped')}
            <Cancel order={order} stocks={stocks} open={open} />
          </div>
          <p class="quiet">{status === 'placed' && customerId === null ? text.noAddress : text.hint}</p>
        </>
      )}
      <p role="status">{done.value === status && text.done(words[status])}</p>
      <ProblemNotice error={step.error.value} />
      {refused.value && (
        <p class="problem" role="alert">
          {text.refused(words[refused.value.before], words[refused.value.after ?? status])}
        </p>
      )}
    </section>
  );
}
