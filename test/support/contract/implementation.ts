import type { RecordedEvent, Subscription } from '../../../src/cqrs/log/event';
import type { CommandContext, Committed, Transaction, UnitOfWork } from '../../../src/cqrs/writing/unit-of-work';
import type { Repositories } from '../../../src/domains';
import { ItemCreated } from '../../../src/items/events';
import type { Item } from '../../../src/items/item';
import { OrderPlaced } from '../../../src/orders/events';
import type { Order } from '../../../src/orders/order';
import type { Clock } from '../../../src/platform/clock';
import { defineError } from '../../../src/platform/errors';
import { newId } from '../../../src/platform/ids';
import { TicketOpened } from '../../../src/tickets/events';
import type { Ticket } from '../../../src/tickets/ticket';
import { UserRegistered, UserRoleChanged } from '../../../src/users/events';
import type { User } from '../../../src/users/user';
import { aContext, address, anItem, anOrder, aTicket, aUser, checked, settingsOf } from '../factories';

export interface StoredDelivery {
  subscription: Subscription;
  status: 'pending' | 'dead';
  attempts: number;
  failures: number;
  lastError: string | null;
  availableAt: number;
}

/** A unit of work on an empty store, and what a test needs of the store that no repository offers. */
export interface Implementation {
  unitOfWork: UnitOfWork<Repositories>;
  /** The events of a stream, oldest first. */
  eventsOf(streamId: string): Promise<RecordedEvent[]>;
  /** The deliveries of an event, by subscription. */
  deliveriesOf(position: number): Promise<StoredDelivery[]>;
  /** Makes dead letters of an event's deliveries, after some attempts and failures. */
  markDead(position: number): Promise<void>;
  /** Ends a rebuild without a command, as the rebuild itself does. */
  endRebuild(id: string): Promise<void>;
}

/** Every event that an implementation records goes to these subscriptions. */
export const contractSubscriptions: readonly Subscription[] = ['emails', 'projections'];

export type CreateImplementation = (clock?: Clock) => Promise<Implementation>;

export type Tx = Transaction<Repositories>;

/** A refusal that no command of the application makes. */
export const refusedByTest = defineError({
  code: 'test.refused',
  kind: 'conflict',
  meaning: 'A test refuses.',
  remedy: 'None.',
  text: () => 'A test refuses.',
});

/** An event in a stream of its own, for a write whose event does not matter. */
export function anyEvent() {
  return UserRegistered.create(newId(), 1, { role: 'customer' });
}

/** The steps that the contract's tests are made of. */
export async function given(create: CreateImplementation, clock?: Clock) {
  const implementation = await create(clock);
  const { unitOfWork } = implementation;

  /** Runs a command that anyone may send. */
  function run<Result>(handle: (tx: Tx) => Promise<Result> | Result, context: CommandContext = aContext()) {
    return unitOfWork.run(context, { authorize: () => undefined, handle: (_, tx) => handle(tx) });
  }

  /** Writes with an event that does not matter. */
  function write(change: (tx: Tx) => unknown): Promise<Committed<void>> {
    return run(async (tx) => {
      await change(tx);
      tx.record(anyEvent());
    });
  }

  async function read<Result>(query: (tx: Tx) => Promise<Result>): Promise<Result> {
    return (await run(query)).result;
  }

  return {
    ...implementation,
    run,
    write,
    read,

    async addUser(user: User = aUser()): Promise<User> {
      await run((tx) => {
        tx.users.add(user);
        tx.settings.add(settingsOf(user));
        tx.record(UserRegistered.create(user.id, user.version, { role: user.role }));
      });
      return user;
    },

    async findUser(id: string): Promise<User | undefined> {
      return (await read((tx) => tx.users.findAll([id])))[0];
    },

    /** Ends every token of an account, and returns the account as it is then. */
    async revokeTokens(user: User): Promise<User> {
      const next = { ...user, version: user.version + 1, tokenGeneration: user.tokenGeneration + 1 };
      await run((tx) => {
        tx.users.save(next, checked(user));
        tx.record(UserRoleChanged.create(user.id, next.version, { role: user.role }));
      });
      return next;
    },

    async addItem(overrides: Partial<Item> = {}): Promise<Item> {
      const item = anItem(overrides);
      await run((tx) => {
        tx.items.add(item, checked(aUser()));
        tx.record(ItemCreated.create(item.id, item.version, { ownerId: item.ownerId }));
      });
      return item;
    },

    async addOrder(customer: User, overrides: Partial<Order> = {}): Promise<Order> {
      const order = anOrder({ customerId: customer.id, ...overrides });
      await run((tx) => {
        tx.orders.add(order, address, 1001, checked(customer));
        tx.record(OrderPlaced.create(order.id, order.version, { customerId: customer.id, items: [], total: null }));
      });
      const found = await read((tx) => tx.orders.find(order.id));
      return { ...order, number: found?.number ?? 0 };
    },

    async addTicket(customer: User, overrides: Partial<Ticket> = {}): Promise<Ticket> {
      const ticket = aTicket({ customerId: customer.id, ...overrides });
      const { customerId, orderId, id, version } = ticket;
      await run((tx) => {
        tx.tickets.add(ticket, checked(customer));
        tx.record(TicketOpened.create(id, version, { customerId, orderId }));
      });
      return ticket;
    },
  };
}
