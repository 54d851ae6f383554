import type { Caller } from '../../src/access/caller';
import type { View } from '../../src/cqrs/reading/view';
import type { Committed } from '../../src/cqrs/writing/unit-of-work';
import { type Commands, views } from '../../src/domains';
import { newId } from '../../src/platform/ids';
import type { World } from './world';

/** A command that a client sends, and the document that shows its effect. */
export interface ClientCommand {
  name: keyof Commands;
  payload: unknown;
  run(commands: Commands): Promise<Committed<unknown>>;
  view?: View;
  /** The document's key, where it is known before the response. */
  key?: string;
  /** The account that sends the command; absent for a visitor. */
  actor?: string;
  onSend?(): void;
  onDone?(id: string): void;
}

/** The stock of each item before the first order. */
export const initialStock = 5;

function viewNamed(name: string): View {
  const view = views.find((candidate) => candidate.name === name);
  if (!view) throw new Error(`No view has the name ${name}: adapt the simulation to domains.ts.`);
  return view;
}

const [userView, settingsView, itemView, orderView, ticketView] = [
  viewNamed('user'),
  viewNamed('settings'),
  viewNamed('item'),
  viewNamed('order'),
  viewNamed('staff-ticket'),
];

function given(value: string | undefined, make: (value: string) => ClientCommand[]): ClientCommand[] {
  return value === undefined ? [] : make(value);
}

/** The accounts, items, orders and tickets of the acknowledged commands; it chooses the next command of a client. */
export class Shop {
  readonly staff: string[] = [];
  readonly customers: string[] = [];
  readonly emails = new Map<string, string>();
  readonly items: string[] = [];
  readonly orders: string[] = [];
  readonly tickets: string[] = [];
  /** Accounts whose deletion was sent, whether or not it was acknowledged. */
  readonly deleted = new Set<string>();
  #names = 0;

  constructor(readonly world: World) {}

  /**
   * What the access token of an account states. The set-up makes admins in SQL, without a new token generation, and no
   * command of the simulation raises the generation of an account that continues to exist.
   */
  callerOf(userId: string): Caller {
    return { userId, role: this.staff.includes(userId) ? 'admin' : 'customer', tokenGeneration: 1 };
  }

  register(): ClientCommand {
    const email = `${newId()}@example.com`;
    const payload = { name: 'A customer', email, password: 'never hashed here' };
    return {
      name: 'RegisterUser',
      payload,
      run: (commands) => commands.RegisterUser(payload),
      view: userView,
      onDone: (id) => {
        this.customers.push(id);
        this.emails.set(id, email);
      },
    };
  }

  /** The next command of some client; undefined while no client can send one. */
  next(): ClientCommand | undefined {
    const { world } = this;
    const agent = world.pick(this.staff);
    const customer = world.pick(this.customers.filter((id) => !this.deleted.has(id)));
    const [item, order, ticket] = [world.pick(this.items), world.pick(this.orders), world.pick(this.tickets)];
    const possible = [
      this.register(),
      ...given(customer, (id) => [
        this.#rename(id),
        this.#updateSettings(id),
        this.#requestPasswordReset(id),
        this.#openTicket(id),
      ]),
      ...given(agent, (id) => [this.#createItem(id)]),
      ...given(customer, (id) => given(item, (itemId) => [this.#order(id, itemId), this.#order(id, itemId)])),
      ...given(agent, (id) => given(order, (orderId) => [this.#moveOrder(id, orderId)])),
      ...given(agent, (id) => given(ticket, (ticketId) => [this.#work(id, ticketId), this.#work(id, ticketId)])),
      ...given(customer, (id) => (world.chance(0.2) ? [this.#delete(id)] : [])),
    ];
    return world.pick(possible);
  }

  #updateSettings(userId: string): ClientCommand {
    const payload = { userId, changes: { emailNotifications: this.world.chance(0.5) } };
    return {
      name: 'UpdateSettings',
      payload,
      run: (commands) => commands.UpdateSettings(payload),
      actor: userId,
      key: userId,
      view: settingsView,
    };
  }

  #requestPasswordReset(userId: string): ClientCommand {
    const payload = { email: this.emails.get(userId) ?? '' };
    return { name: 'RequestPasswordReset', payload, run: (commands) => commands.RequestPasswordReset(payload) };
  }

  #openTicket(actor: string): ClientCommand {
    const payload = { subject: 'a', message: 'b' };
    return {
      name: 'OpenTicket',
      payload,
      run: (commands) => commands.OpenTicket(payload),
      actor,
      view: ticketView,
      onDone: (id) => this.tickets.push(id),
    };
  }

  #createItem(actor: string): ClientCommand {
    const payload = { title: 'Rope', price: { amount: 100, currency: 'EUR' }, stock: initialStock };
    return {
      name: 'CreateItem',
      payload,
      run: (commands) => commands.CreateItem(payload),
      actor,
      view: itemView,
      onDone: (id) => this.items.push(id),
    };
  }

  #order(actor: string, itemId: string): ClientCommand {
    const shippingAddress = { name: 'A', line1: 'B', postalCode: 'C', city: 'D', country: 'DE' };
    const payload = { items: [{ itemId, quantity: this.world.between(1, 2) }], shippingAddress };
    return {
      name: 'PlaceOrder',
      payload,
      run: (commands) => commands.PlaceOrder(payload),
      actor,
      view: orderView,
      onDone: (id) => this.orders.push(id),
    };
  }

  #moveOrder(actor: string, orderId: string): ClientCommand {
    const name = this.world.chance(0.5) ? 'CancelOrder' : 'ShipOrder';
    const payload = { orderId };
    return { name, payload, run: (commands) => commands[name](payload), actor, key: orderId, view: orderView };
  }

  #delete(userId: string): ClientCommand {
    const payload = { userId };
    return {
      name: 'DeleteUser',
      payload,
      run: (commands) => commands.DeleteUser(payload),
      actor: userId,
      onSend: () => this.deleted.add(userId),
    };
  }

  #rename(userId: string): ClientCommand {
    const payload = { userId, changes: { name: `Name ${++this.#names}` } };
    return {
      name: 'UpdateUser',
      payload,
      run: (commands) => commands.UpdateUser(payload),
      actor: userId,
      key: userId,
      view: userView,
    };
  }

  #work(actor: string, ticketId: string): ClientCommand {
    const status = this.world.pick(['triaged', 'closed', 'open'] as const) ?? 'open';
    const shared = { actor, key: ticketId, view: ticketView };
    if (this.world.chance(0.5)) {
      const payload = { ticketId, note: 'c' };
      return { ...shared, name: 'AddTicketNote', payload, run: (commands) => commands.AddTicketNote(payload) };
    }
    const payload = { ticketId, status };
    return { ...shared, name: 'ChangeTicketStatus', payload, run: (commands) => commands.ChangeTicketStatus(payload) };
  }
}
