import { api } from '../../api';
import { isMissing, type Read, useRead } from '../../read';
import type { OrderDetail } from './use-order';

/** How many pieces an item has; null for an unlimited one, and undefined for one that was deleted. */
type Stock = number | null | undefined;
export type Stocks = ReadonlyMap<string, Stock>;

/** Items that were deleted stay so, and are not asked for again. */
const deleted = new Set<string>();

async function readStock(id: string): Promise<{ headers?: Headers; entry: [string, Stock] }> {
  if (deleted.has(id)) return { entry: [id, undefined] };
  try {
    const response = await api().items[':id'].$get({ param: { id } });
    return { headers: response.headers, entry: [id, (await response.json()).stock] };
  } catch (error) {
    if (!isMissing(error)) throw error;
    deleted.add(id);
    return { entry: [id, undefined] };
  }
}

/** Reads how many pieces the items of an order have now: more seldom for a long order, so that it sends one request a second. */
export function useStocks({ id, lines }: OrderDetail): Read<Stocks> {
  return useRead<Stocks>(
    `stocks of ${id}`,
    async () => {
      const all = await Promise.all(lines.map(({ itemId }) => readStock(itemId)));
      const headers = all.flatMap((one) => one.headers ?? []);
      // The answers together are as old as the oldest one.
      const age = Math.max(0, ...headers.map((one) => Number(one.get('Age') ?? 0)));
      const isOwn = headers.every((one) => one.get('Consistency') === 'strong');
      return {
        status: 200,
        headers: new Headers({ Age: String(age), ...(isOwn && { Consistency: 'strong' }) }),
        json: async () => new Map(all.map(({ entry }) => entry)),
      };
    },
    Math.max(5, lines.length) * 1000,
  );
}
