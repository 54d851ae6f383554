import './beside.css';
import type { ComponentChildren } from 'preact';
import { api } from '../../api';
import { format, say, texts } from '../../language';
import { type List, type Page, useList } from '../../pages';
import { Ago } from '../../parts/ago';
import { Loaded } from '../../parts/loaded';
import { More } from '../../parts/more';
import { Status } from '../../parts/status';
import { useRead } from '../../read';
import { StatusOfOrder } from '../orders/order-status';
import { StatusOfTicket } from '../tickets/ticket-status';
import type { StaffTicket, StaffTicketSummary } from './staff-ticket';

/** The profile of the customer. */
function Customer({ id }: { id: string }) {
  const text = texts.value.ticket.beside;
  const read = useRead(`user ${id}`, (headers) => api().users[':id'].$get({ param: { id } }, { headers }));
  return (
    <section aria-labelledby="customer">
      <h2 id="customer">{text.customer}</h2>
      <Loaded read={read}>
        {({ name, email, emailConfirmed, isActive, createdAt }) => (
          <>
            <p>
              <strong>{name}</strong>
              <br />
              {email} <span class="quiet">({emailConfirmed ? text.confirmed : text.notConfirmed})</span>
            </p>
            <p class="quiet">{say(text.since, { date: format.value.date(createdAt) })}</p>
            {!isActive && (
              <p>
                <Status tone="bad">{text.inactive}</Status>
              </p>
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}

/** The rows of a short list, or the words for none. */
function Short<Row extends { id: string }>({
  list,
  rows = list.rows ?? [],
  none,
  row,
}: {
  list: List<Row>;
  rows?: readonly Row[] | undefined;
  none: string;
  row: (row: Row) => ComponentChildren;
}) {
  return (
    <Loaded read={list.read}>
      {() => (
        <>
          {rows.length === 0 && <p class="quiet">{none}</p>}
          <ul class="short">
            {rows.map((one) => (
              <li key={one.id}>{row(one)}</li>
            ))}
          </ul>
          {list.more && <More list={{ more: list.more, total: undefined }} />}
        </>
      )}
    </Loaded>
  );
}

/** The newest orders of a customer. */
export function Orders({ customer, about = null }: { customer: string; about?: string | null }) {
  const text = texts.value.ticket.beside;
  const list = useList(`orders of ${customer}`, (cursor, headers) =>
    api().orders.$get({ query: { customer, cursor, limit: '5' } }, { headers }),
  );
  return (
    <section aria-labelledby="orders">
      <h2 id="orders">{text.orders}</h2>
      <Short
        list={list}
        none={text.noOrders}
        row={({ id, number, status, total, createdAt }) => (
          <>
            <a href={`/console/orders/${id}`}>{say(text.order, { number: String(number) })}</a>{' '}
            <StatusOfOrder status={status} />
            {id === about && <strong> · {text.about}</strong>}
            <br />
            <span class="quiet">
              {format.value.money(total)} · <Ago time={createdAt} />
            </span>
          </>
        )}
      />
    </section>
  );
}

/** The newest tickets of a customer, without one that the screen shows anyway. */
export function Tickets({ customer, title, without = '' }: { customer: string; title: string; without?: string }) {
  const text = texts.value.ticket.beside;
  const list = useList<StaffTicketSummary>(`tickets of ${customer}`, async (cursor, headers) => {
    const response = await api().tickets.$get({ query: { customer, cursor, limit: '6' } }, { headers });
    // Agents and admins get the rows that are for them.
    return response as Omit<typeof response, 'json'> & { json(): Promise<Page<StaffTicketSummary>> };
  });
  return (
    <section aria-labelledby="others">
      <h2 id="others">{title}</h2>
      <Short
        list={list}
        rows={list.rows?.filter((other) => other.id !== without)}
        none={text.noTickets}
        row={(other) => (
          <>
            <a href={`/console/tickets/${other.id}`}>{other.subject}</a>
            <br />
            <span class="quiet">
              <StatusOfTicket status={other.status} /> · <Ago time={other.updatedAt} />
            </span>
          </>
        )}
      />
      <p>
        <a href={`/console/tickets?customer=${customer}`}>{text.all}</a>
      </p>
    </section>
  );
}

/** Who the customer is, and what else they have with the shop. */
export function Beside({ ticket: { id, customerId, orderId } }: { ticket: StaffTicket }) {
  return (
    <div class="beside">
      <Customer id={customerId} />
      <Orders customer={customerId} about={orderId} />
      <Tickets customer={customerId} title={texts.value.ticket.beside.tickets} without={id} />
    </div>
  );
}
