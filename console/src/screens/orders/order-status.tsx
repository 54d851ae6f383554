import { texts } from '../../language';
import { Status, type Tone } from '../../parts/status';

/** Every status of an order, in the order in which it usually goes through them. */
export const statuses = ['placed', 'shipped', 'delivered', 'cancelled'] as const;
export type OrderStatus = (typeof statuses)[number];

const tones: Readonly<Record<OrderStatus, Tone>> = {
  placed: 'warn',
  shipped: 'good',
  delivered: 'good',
  cancelled: 'quiet',
};

/** The status of an order: a placed one waits for its shipping. */
export function StatusOfOrder({ status }: { status: OrderStatus }) {
  return <Status tone={tones[status]}>{texts.value.orders.status[status]}</Status>;
}
