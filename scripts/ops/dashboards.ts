// The commands about the dashboards.
import { salesBars, ticketBars } from '../dashboards';
import { command, type Group } from './command';

const tickets = command({
  says: 'tickets by status and day, as bars (agent)',
  async run({ api }) {
    const json = await (await api.dashboard.tickets.$get()).json();
    return { json, text: ticketBars(json) };
  },
});

const sales = command({
  says: 'orders by status, revenue by day, and best-selling items, as bars (agent)',
  async run({ api }) {
    const json = await (await api.dashboard.sales.$get()).json();
    return { json, text: salesBars(json) };
  },
});

export const dashboards = { tickets, sales } satisfies Group;
