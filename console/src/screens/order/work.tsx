import { useAction } from '../../act';
import { say, texts } from '../../language';
import { ProblemNotice } from '../../parts/problem';
import { StatusOfOrder } from '../orders/order-status';
import { Cancel } from './cancel';
import type { Stocks } from './stocks';
import type { OpenOrder, OrderDetail } from './use-order';

type Status = OrderDetail['status'];

/** The status of an order, and the buttons that change it. A step keeps its place, so that nobody clicks twice by mistake. */
export function Work({ order, stocks, open }: { order: OrderDetail; stocks: Stocks | undefined; open: OpenOrder }) {
  const text = texts.value.order;
  const step = useAction(open.send);
  const { status, customerId } = order;
  const { refused, done } = open;
  const { status: words } = texts.value.orders;
  const isOver = status === 'delivered' || status === 'cancelled';
  const canShip = status === 'placed' && customerId !== null;
  function describeRefusal({ before, after = status }: { before: Status; after: Status | undefined }): string {
    const { meanwhile, faster } = text.refused;
    return before === after ? meanwhile : say(faster, { before: words[before], after: words[after] });
  }
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
    <section class="panel" aria-label={text.work}>
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
      <p role="status">{done.value === status && say(text.done, { status: words[status] })}</p>
      <ProblemNotice error={step.error.value} />
      {refused.value && (
        <p class="problem" role="alert">
          {describeRefusal(refused.value)}
        </p>
      )}
    </section>
  );
}
