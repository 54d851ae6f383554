import { useLocation } from 'preact-iso';
import { useAddress } from '../../address';
import { api } from '../../api';
import { texts } from '../../language';
import { type Page, useList } from '../../pages';
import { ListTitle } from '../../parts/list-title';
import { Loaded } from '../../parts/loaded';
import { More } from '../../parts/more';
import { currentRow } from '../../rows';
import { useShortcuts } from '../../shortcuts';
import { useTitle } from '../../title';
import type { StaffTicketSummary } from '../ticket/staff-ticket';
import { type Address, type Filter, Filters } from './filters';
import { Rows } from './rows';
import { statuses } from './ticket-status';
import './tickets.css';

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
    const id = currentRow()?.dataset.ticket;
    if (id) route(`/console/tickets/${id}?write=${kind}`);
  };
  useTitle(texts.value.sections.tickets);
  useShortcuts({
    r: () => write('reply'),
    n: () => write('note'),
  });
  return (
    <div class="tickets">
      <ListTitle
        keys={[
          ['r', text.keys.reply],
          ['n', text.keys.addNote],
        ]}
      >
        {texts.value.sections.tickets}
      </ListTitle>
      <Filters {...address} />
      <Loaded read={list.read}>{() => <Rows tickets={list.rows ?? []} />}</Loaded>
      <More list={list} />
    </div>
  );
}
