import { type Done, isOtherVersion, isoTime, type ModelRequest, nothing, type Rule, refuse, signedIn } from './rule';
import { all, type Caller, type Effect, each, type Item, type Order, put, type Ticket } from './state';

export const isStaff = ({ role }: Pick<Caller, 'role'>) => role !== 'customer';
export const later = (one: string, other: string) => (one > other ? one : other);
const clientVersion = ({ version, stockVersion }: Item) => version + stockVersion;

/** Moves pieces from the stock to an order, or back. An item without a stock is unlimited. */
function moveStock(lines: readonly { itemId: string; quantity: number }[], sign: 1 | -1): Effect {
  const quantityOf = new Map(lines.map(({ itemId, quantity }) => [itemId, quantity]));
  return each(
    'items',
    ({ id, stock }) => stock !== null && quantityOf.has(id),
    (item) => ({
      ...item,
      stock: (item.stock ?? 0) + sign * (quantityOf.get(item.id) ?? 0),
      stockVersion: item.stockVersion + 1,
    }),
  );
}

/** Why a caller may not touch an item at all, apart from taking it down; undefined for its owner and for admins. */
function refusalOfOthers(item: Item, { role, userId }: Caller): string | undefined {
  if (item.ownerId === userId || role === 'admin') return undefined;
  return role === 'agent' ? 'items.not-yours' : 'items.not-found';
}

/** Why a caller may not make a change of an item; undefined for one who may. */
function refusalOfChange(item: Item, { caller, payload, sellers }: ModelRequest & { caller: Caller }) {
  const { isActive, ...others } = payload.changes;
  const changesSaleAlone = isActive !== undefined && Object.keys(others).length === 0;
  const isDeskWork = changesSaleAlone && (!isActive || item.takenDownBy !== null);
  if (caller.role === 'agent' && isDeskWork) return undefined;
  const refusal = refusalOfOthers(item, caller);
  if (refusal !== undefined || isStaff(caller)) return refusal;
  if (sellers === 'staff' && !(changesSaleAlone && !isActive)) return 'items.only-staff-sells';
  return isActive && item.takenDownBy !== null ? 'items.taken-down' : undefined;
}

const transitions = {
  CancelOrder: { to: 'cancelled', event: 'OrderCancelled', customer: ['placed'], staff: ['placed', 'shipped'] },
  ShipOrder: { to: 'shipped', event: 'OrderShipped', customer: undefined, staff: ['placed'] },
  DeliverOrder: { to: 'delivered', event: 'OrderDelivered', customer: undefined, staff: ['shipped'] },
} as const;

function moveOrder(name: keyof typeof transitions): Rule {
  const { to, event, customer, staff } = transitions[name];
  return signedIn((state, request) => {
    const { caller, issuedAt } = request;
    const id: string = request.payload.orderId;
    const order = state.orders.get(id);
    if (!order || (order.customerId !== caller.userId && !isStaff(caller))) return refuse('orders.not-found');
    const from: readonly string[] | undefined = isStaff(caller) ? staff : customer;
    if (!from) return refuse('auth.insufficient-role');
    if (!from.includes(order.status)) return refuse('orders.illegal-transition');
    if (isOtherVersion(request, order.version)) return refuse('http.precondition-failed');
    const version = order.version + 1;
    const moved = put('orders', id, { ...order, status: to, version, updatedAt: isoTime(issuedAt) });
    const effect =
      to === 'cancelled'
        ? all(
            moved,
            moveStock(
              order.lines.filter(({ itemId }) => order.tookFrom.includes(itemId)),
              1,
            ),
          )
        : moved;
    return { events: [`${event} ${id} ${version}`], result: { id, version }, effect };
  });
}

/** A rule for the ticket that the payload names, for agents and admins. */
export function workOnTicket(
  work: (
    ticket: Ticket,
    request: Parameters<Rule>[1] & { caller: Caller },
    chosen: Parameters<Rule>[2],
    state: Parameters<Rule>[0],
  ) => ReturnType<Rule>,
): Rule {
  return signedIn((state, request, chosen) => {
    const { caller } = request;
    const ticket = state.tickets.get(request.payload.ticketId);
    if (!ticket || (ticket.customerId !== caller.userId && !isStaff(caller))) return refuse('tickets.not-found');
    if (!isStaff(caller)) return refuse('auth.insufficient-role');
    if (isOtherVersion(request, ticket.version)) return refuse('http.precondition-failed');
    return work(ticket, request, chosen, state);
  });
}

export function countDay(at: string, figure: 'opened' | 'reopened' | 'closed'): Effect {
  return (state) => {
    const date = at.slice(0, 10);
    const day = state.days.get(date) ?? { opened: 0, reopened: 0, closed: 0 };
    return put('days', date, { ...day, [figure]: day[figure] + 1 })(state);
  };
}

/** The rules of items, orders and tickets. */
export const shopRules: Readonly<Record<string, Rule>> = {
  CreateItem: signedIn((_, { caller, payload, issuedAt, sellers }, { id }) => {
    if (sellers === 'staff' && !isStaff(caller)) return refuse('items.only-staff-sells');
    const at = isoTime(issuedAt);
    const { title, price, description = null, stock = null } = payload;
    const item = { title, price, description, stock, id, ownerId: caller.userId, isActive: true, takenDownBy: null };
    const effect = put('items', id, { ...item, version: 1, stockVersion: 0, createdAt: at, updatedAt: at });
    return { events: [`ItemCreated ${id} 1`], result: { id, version: 1 }, effect };
  }),

  UpdateItem: signedIn((state, request) => {
    const { caller, payload, issuedAt } = request;
    const item = state.items.get(payload.itemId);
    if (!item) return refuse('items.not-found');
    const refusal = refusalOfChange(item, request);
    if (refusal !== undefined) return refuse(refusal);
    if (isOtherVersion(request, clientVersion(item))) return refuse('http.precondition-failed');
    const next: Item = { ...item, ...payload.changes };
    if (next.isActive) next.takenDownBy = null;
    else if (payload.changes.isActive === false && isStaff(caller) && item.ownerId !== caller.userId)
      next.takenDownBy ??= caller.userId;
    const isSamePrice = next.price.amount === item.price.amount && next.price.currency === item.price.currency;
    const isSame = (['title', 'description', 'stock', 'isActive', 'takenDownBy'] as const).every(
      (key) => next[key] === item[key],
    );
    const { id } = item;
    if (isSame && isSamePrice) return nothing({ id, version: clientVersion(item) });
    next.version = item.version + 1;
    next.updatedAt = isoTime(issuedAt);
    if (next.stock !== item.stock) next.stockVersion++;
    const result = { id, version: clientVersion(next) };
    return { events: [`ItemUpdated ${id} ${next.version}`], result, effect: put('items', id, next) };
  }),

  DeleteItem: signedIn((state, request): ReturnType<Rule> => {
    const item = state.items.get(request.payload.itemId);
    if (!item) return refuse('items.not-found');
    const refusal = refusalOfOthers(item, request.caller);
    if (refusal !== undefined) return refuse(refusal);
    if (isOtherVersion(request, clientVersion(item))) return refuse('http.precondition-failed');
    const { id, version } = item;
    return {
      events: [`ItemDeleted ${id} ${version + 1}`],
      effect: each(
        'items',
        (_, key) => key === id,
        () => undefined,
      ),
    };
  }),

  PlaceOrder: signedIn((state, { caller, payload, issuedAt }, { id }) => {
    const requested: { itemId: string; quantity: number }[] = payload.items;
    const lines: Order['lines'][number][] = [];
    for (const { itemId, quantity } of requested) {
      const item = state.items.get(itemId);
      // Nobody delivers the items of a deleted account, which are about to be deleted too.
      if (!item?.isActive || !state.users.has(item.ownerId)) return refuse('orders.item-unavailable');
      lines.push({ itemId, title: item.title, quantity, price: item.price });
    }
    const { currency = '' } = lines[0]?.price ?? {};
    if (lines.some(({ price }) => price.currency !== currency)) return refuse('orders.mixed-currencies');
    const isShort = ({ itemId, quantity }: (typeof lines)[number]) =>
      (state.items.get(itemId)?.stock ?? Number.POSITIVE_INFINITY) < quantity;
    if (lines.some(isShort)) return refuse('orders.out-of-stock');
    const at = isoTime(issuedAt);
    const amount = lines.reduce((sum, { price, quantity }) => sum + price.amount * quantity, 0);
    const order: Order = {
      id,
      // No order is ever deleted.
      number: 1001 + state.orders.size,
      version: 1,
      customerId: caller.userId,
      status: 'placed',
      lines,
      total: { amount, currency },
      address: payload.shippingAddress,
      tookFrom: lines.map(({ itemId }) => itemId).filter((itemId) => state.items.get(itemId)?.stock !== null),
      createdAt: at,
      updatedAt: at,
    };
    const effect = all(put('orders', id, order), moveStock(lines, -1));
    return { events: [`OrderPlaced ${id} 1`], result: { id, version: 1 }, effect };
  }),

  CancelOrder: moveOrder('CancelOrder'),
  ShipOrder: moveOrder('ShipOrder'),
  DeliverOrder: moveOrder('DeliverOrder'),

  OpenTicket: signedIn((state, { caller, payload, issuedAt }, { id }) => {
    const { subject, message, orderId = null, customerId = caller.userId } = payload;
    if (payload.customerId !== undefined && !isStaff(caller)) return refuse('auth.insufficient-role');
    if (!state.users.get(customerId)?.isActive) return refuse('tickets.unknown-customer');
    const order = state.orders.get(orderId);
    if (orderId !== null && order?.customerId !== customerId) return refuse('tickets.unknown-order');
    const at = isoTime(issuedAt);
    const ticket: Ticket = {
      id,
      version: 1,
      customerId,
      orderId,
      subject,
      message,
      status: 'open',
      createdAt: at,
      updatedAt: at,
      triagedAt: null,
      triageSeconds: null,
      customerVersion: 1,
      customerUpdatedAt: at,
      notes: [],
      replies: [],
      assigneeId: null,
    };
    const effect = all(put('tickets', id, ticket), countDay(at, 'opened'));
    return { events: [`TicketOpened ${id} 1`], result: { id, version: 1 }, effect };
  }),

  ChangeTicketStatus: workOnTicket((ticket, { payload, issuedAt }) => {
    const { id } = ticket;
    if (ticket.status === payload.status) return nothing({ id, version: ticket.version });
    if (ticket.status === 'closed') return refuse('tickets.closed');
    const at = isoTime(issuedAt);
    const waited = Math.max(0, Math.round((issuedAt - Date.parse(ticket.createdAt)) / 1000));
    const version = ticket.version + 1;
    const next: Ticket = {
      ...ticket,
      status: payload.status,
      version,
      customerVersion: ticket.customerVersion + 1,
      updatedAt: later(ticket.updatedAt, at),
      customerUpdatedAt: later(ticket.customerUpdatedAt, at),
      triagedAt: ticket.triagedAt ?? at,
      triageSeconds: ticket.triageSeconds ?? waited,
    };
    const counted = payload.status === 'closed' ? [countDay(at, 'closed')] : [];
    const effect = all(put('tickets', id, next), ...counted);
    return { events: [`TicketStatusChanged ${id} ${version}`], result: { id, version }, effect } satisfies Done;
  }),

  AddTicketNote: workOnTicket((ticket, { caller, payload, issuedAt }, { id: noteId }) => {
    const { id } = ticket;
    const at = isoTime(issuedAt);
    const note = { id: noteId, authorId: caller.userId, note: payload.note, createdAt: at };
    // Notes are committed in any order, and shown in the order of their ids.
    const notes = [...ticket.notes, note].sort((a, b) => (a.id < b.id ? -1 : 1));
    const next: Ticket = { ...ticket, updatedAt: later(ticket.updatedAt, at), notes };
    const result = { id, version: ticket.version };
    return { events: [`TicketNoteWritten ${noteId} 1`], result, effect: put('tickets', id, next) };
  }),
};
