import { describe } from 'vitest';
import { describeAccountRepositories } from './contract/accounts';
import { describeApiKeyRepository } from './contract/api-keys';
import { describeConfirmationRepository } from './contract/confirmations';
import { describeGuards } from './contract/guards';
import type { CreateImplementation } from './contract/implementation';
import { describeItemRepository } from './contract/items';
import { describeOperationsRepository } from './contract/operations';
import { describeOrderRepository } from './contract/orders';
import { describeTicketRepository } from './contract/tickets';
import { describeCommits } from './contract/unit-of-work';

/** The contract that every unit of work and its repositories keep, whichever store they use. */
export function describeUnitOfWork(name: string, create: CreateImplementation): void {
  describe(`the unit of work ${name}`, () => {
    describeCommits(create);
    describeGuards(create);
    describeAccountRepositories(create);
    describeConfirmationRepository(create);
    describeApiKeyRepository(create);
    describeItemRepository(create);
    describeOrderRepository(create);
    describeTicketRepository(create);
    describeOperationsRepository(create);
  });
}
