import { useLocation } from 'preact-iso';
import { useAddress } from '../../address';
import { api } from '../../api';
import { texts } from '../../language';
import { type Page, useList } from '../../pages';
import { Loaded } from '../../parts/loaded';
import { More } from '../../parts/more';
import { ShortcutHelp } from '../../parts/shortcut-help';
import { useShortcuts } from '../../shortcuts';
import { useTitle } from '../../title';
import type { StaffTicketSummary } from '../ticket/staff-ticket';
import { type Address, type Filter, Filters } from './filters';
import { Rows } from './rows';
import { statuses } from './ticket-status';
import './tickets.css';

/** The ticket on which somebody was last, so that `j` goes on from there after a look into it. */
let latest: string | undefined;

/** The tickets of the list are links, and the one with the focus is the one that keys are about. */
const links = () => [...document.querySelectorAll<HTMLElement>('[data-ticket]')];
const focused = () => (document.activeElement as HTMLElement | null)?.dataset.ticket;

function move(by: 1 | -1): void {
  const all = links();
  const at = all.findIndex(({ dataset }) => dataset.ticket === (focused() ?? latest));
  // Without any, `j` begins with the first one.
  const next = focused() === undefined && at >= 0 ? all[at] : all[at < 0 ? 0 : at + by];
  next?.focus();
  next?.closest('tr')?.scrollIntoView({ block: 'nearest' });
  latest = next?.dataset.ticket ?? latest;
}

/** The list that the address asks for. */
function useTickets({ query: { status, assignee, note, customer, sort } }: Address) {
  const query = {
    status: statuses.find((one) => one === status),
    assignee,
    hasNote: note === 'true' || note === 'false' ? (note as 'true' | 'false') : undefined,
    customer,
    sort: sort === 'created' || customer ? ('created' as const) : ('updated' as const),
  };
  return useList<StaffTicketSummary>(`tickets ${JSON.stringify(query)}`, async (cursor, headers) => {
    const response = await api().tickets.$get({ query: { ...query, cursor } }, { headers });
    // Agents and admins get the rows that are for them.
    return response as Omit<typeof response, 'json'> & { json(): Promise<Page<StaffTicketSummary>> };
  });
}

/** The inbox of the support desk. */
export function Tickets() {
  const address = useAddress<Filter>();
  const list = useTickets(address);
  const { route } = useLocation();
  const text = texts.value.tickets;
  const write = (kind: 'reply' | 'note') => {
    const id = focused();
    if (id) route(`/console/tickets/${id}?write=${kind}`);
  };
  useTitle(texts.value.sections.tickets);
  useShortcuts({
    j: () => move(1),
    k: () => move(-1),
    r: () => write('reply'),
    n: () => write('note'),
  });
  return (
    <div class="tickets">
      <div class="title">
        <h1>{texts.value.sections.tickets}</h1>
        <ShortcutHelp
          keys={[
            ['j', text.keys.next],
            ['k', text.keys.previous],
            ['Enter', text.keys.open],
            ['r', text.keys.reply],
            ['n', text.keys.addNote],
          ]}
        />
      </div>
      <Filters {...address} />
      <Loaded read={list.read}>{() => <Rows tickets={list.rows ?? []} />}</Loaded>
      <More list={list} />
    </div>
  );
}
