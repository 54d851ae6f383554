import type { Services } from '../../src/composition';
import type { View } from '../../src/cqrs/reading/view';
import type { CommandContext, Committed } from '../../src/cqrs/writing/unit-of-work';
import { itemView } from '../../src/items/views';
import { orderView } from '../../src/orders/views';
import { newId } from '../../src/platform/ids';
import { staffTicketView } from '../../src/tickets/views';
import { settingsView, userView } from '../../src/users/views';
import type { World } from './world';

/** A command that a client sends, and the document that shows its effect. */
export interface ClientCommand {
  name: string;
  run(services: Services, context: CommandContext): Promise<Committed<unknown>>;
  view?: View;
  /** Where it is known before the answer. */
  key?: string;
  actor?: string;
  onDone?(id: string): void;
}

/** How many of each item there are before anybody orders. */
export const initialStock = 5;

function given(value: string | undefined, make: (value: string) => ClientCommand[]): ClientCommand[] {
  return value === undefined ? [] : make(value);
}

/** Who and what there is, as far as acknowledged commands have told; and what clients do next. */
export class Shop {
  readonly staff: string[] = [];
  readonly customers: string[] = [];
  readonly emails = new Map<string, string>();
  readonly items: string[] = [];
  readonly orders: string[] = [];
  readonly tickets: string[] = [];
  readonly deleted = new Set<string>();
  #names = 0;

  constructor(readonly world: World) {}

  register(): ClientCommand {
    const email = `${newId()}@example.com`;
    const account = { name: 'A customer', email, password: 'never hashed here' };
    return {
      name: 'RegisterUser',
      run: ({ commands }, context) => commands.execute('RegisterUser', account, context),
      view: userView,
      onDone: (id) => {
        this.customers.push(id);
        this.emails.set(id, email);
      },
    };
  }

  /** What some client does next; undefined while nobody can. */
  next(): ClientCommand | undefined {
    const { world } = this;
    const agent = world.pick(this.staff);
    const customer = world.pick(this.customers.filter((id) => !this.deleted.has(id)));
    const [item, order, ticket] = [world.pick(this.items), world.pick(this.orders), world.pick(this.tickets)];
    const possible = [
      this.register(),
      ...given(customer, (id) => [
        this.#rename(id),
        this.#changeSettings(id),
        this.#resetPassword(id),
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

  #changeSettings(userId: string): ClientCommand {
    const changes = { emailNotifications: this.world.chance(0.5) };
    return {
      name: 'UpdateSettings',
      actor: userId,
      key: userId,
      view: settingsView,
      run: ({ commands }, context) => commands.execute('UpdateSettings', { userId, changes }, context),
    };
  }

  #resetPassword(userId: string): ClientCommand {
    const email = this.emails.get(userId) ?? '';
    return {
      name: 'RequestPasswordReset',
      run: ({ commands }, context) => commands.execute('RequestPasswordReset', { email }, context),
    };
  }

  #openTicket(actor: string): ClientCommand {
    return {
      name: 'OpenTicket',
      actor,
      view: staffTicketView,
      run: ({ commands }, context) => commands.execute('OpenTicket', { subject: 'a', message: 'b' }, context),
      onDone: (id) => this.tickets.push(id),
    };
  }

  #createItem(actor: string): ClientCommand {
    const item = { title: 'Rope', price: { amount: 100, currency: 'EUR' }, stock: initialStock };
    return {
      name: 'CreateItem',
      actor,
      view: itemView,
      run: ({ commands }, context) => commands.execute('CreateItem', item, context),
      onDone: (id) => this.items.push(id),
    };
  }

  #order(actor: string, itemId: string): ClientCommand {
    const shippingAddress = { name: 'A', line1: 'B', postalCode: 'C', city: 'D', country: 'DE' };
    const order = { items: [{ itemId, quantity: this.world.between(1, 2) }], shippingAddress };
    return {
      name: 'PlaceOrder',
      actor,
      view: orderView,
      run: ({ commands }, context) => commands.execute('PlaceOrder', order, context),
      onDone: (id) => this.orders.push(id),
    };
  }

  #moveOrder(actor: string, orderId: string): ClientCommand {
    const name = this.world.chance(0.5) ? 'CancelOrder' : 'ShipOrder';
    return {
      name,
      actor,
      key: orderId,
      view: orderView,
      run: ({ commands }, context) => commands.execute(name, { orderId }, context),
    };
  }

  #delete(userId: string): ClientCommand {
    return {
      name: 'DeleteUser',
      actor: userId,
      run: ({ commands }, context) => {
        this.deleted.add(userId);
        return commands.execute('DeleteUser', { userId }, context);
      },
    };
  }

  #rename(customer: string): ClientCommand {
    const name = `Name ${++this.#names}`;
    return {
      name: 'UpdateUser',
      actor: customer,
      key: customer,
      view: userView,
      run: ({ commands }, context) => commands.execute('UpdateUser', { userId: customer, changes: { name } }, context),
    };
  }

  #work(agent: string, ticketId: string): ClientCommand {
    const status = this.world.pick(['triaged', 'closed', 'open'] as const) ?? 'open';
    const isNote = this.world.chance(0.5);
    return {
      name: isNote ? 'AddTicketNote' : 'ChangeTicketStatus',
      actor: agent,
      key: ticketId,
      view: staffTicketView,
      run: ({ commands }, context) =>
        isNote
          ? commands.execute('AddTicketNote', { ticketId, note: 'c' }, context)
          : commands.execute('ChangeTicketStatus', { ticketId, status }, context),
    };
  }
}
