import { ProblemError } from '@frontdesk/client';
import { type Signal, useSignal } from '@preact/signals';
import type { InferResponseType } from 'hono/client';
import { api } from '../../api';
import { type Read, useRead } from '../../read';
import { ifMatch } from '../../tag';
import { type OrderStatus, statuses } from '../orders/order-status';

type OrderApi = ReturnType<typeof api>['orders'][':id'];
export type OrderDetail = InferResponseType<OrderApi['$get']>;
type OrderAction = 'ship' | 'deliver' | 'cancel';

const statusAfter: Readonly<Record<OrderAction, OrderStatus>> = {
  ship: 'shipped',
  deliver: 'delivered',
  cancel: 'cancelled',
};

/** The order of the screen, and what the person has done with it. */
export interface OpenOrder {
  read: Read<OrderDetail>;
  /** A refusal because others were faster: the status that the person saw, and the one that it had become, if known. */
  refused: Signal<{ before: OrderStatus; after: OrderStatus | undefined } | undefined>;
  /** The status that the last action led to. */
  done: Signal<OrderStatus | undefined>;
  /** Does something with the order as it is shown. */
  send(action: OrderAction): Promise<void>;
}

/** Whether the refusal says that the order is no longer as it was shown. */
function isOutdated(error: unknown): error is ProblemError {
  return error instanceof ProblemError && (error.status === 412 || error.code === 'orders.illegal-transition');
}

/** Reads an order while it is shown. */
export function useOrder(id: string): OpenOrder {
  const param = { id };
  const read = useRead(`order ${id}`, (headers) => api().orders[':id'].$get({ param }, { headers }));
  const refused: OpenOrder['refused'] = useSignal(undefined);
  const done = useSignal<OrderStatus | undefined>(undefined);
  return {
    read,
    refused,
    done,
    async send(action) {
      const shown = read.data.value?.status;
      refused.value = undefined;
      done.value = undefined;
      try {
        await api().orders[':id'][action].$post({ param }, { headers: ifMatch(read) });
        done.value = statusAfter[action];
      } catch (error) {
        if (!isOutdated(error)) throw error;
        // The copy of the order that can be read may be older than the refusal, which says the newest status.
        const now = statuses.find((status) => status === error.problem?.details?.status);
        if (shown) refused.value = { before: shown, after: now };
      }
    },
  };
}
