import { describe } from 'vitest';
import { describeAccountRepositories } from './accounts';
import { describeGuards } from './guards';
import type { CreateImplementation } from './implementation';
import { describeItemRepository } from './items';
import { describeOperationsRepository } from './operations';
import { describeOrderRepository } from './orders';
import { describeTicketRepository } from './tickets';
import { describeCommits } from './unit-of-work';

/** What every unit of work and its repositories promise, whatever they store in. */
export function describeUnitOfWork(name: string, create: CreateImplementation): void {
  describe(`the unit of work ${name}`, () => {
    describeCommits(create);
    describeGuards(create);
    describeAccountRepositories(create);
    describeItemRepository(create);
    describeOrderRepository(create);
    describeTicketRepository(create);
    describeOperationsRepository(create);
  });
}
