import { createAuthCommands } from './auth/commands';
import { authEvents, PasswordResetRequested } from './auth/events';
import { authConstraints, createPasswordResetRepository, createSessionRepository } from './auth/repository';
import type { ResetTokens } from './auth/secret-token';
import { sendResetEmailOnPasswordResetRequested } from './auth/send-reset-email-on-password-reset-requested';
import type { EmailReaction } from './consumers/emails';
import { createEventCatalogue, type Subscription } from './cqrs/log/event';
import type { RepositoryContext } from './cqrs/writing/d1-unit-of-work';
import type { UnitOfWork } from './cqrs/writing/unit-of-work';
import { createItemCommands, deleteItems } from './items/commands';
import { itemEvents } from './items/events';
import { createItemRepository, itemConstraints } from './items/repository';
import { itemViews } from './items/views';
import { createOperationsCommands } from './operations/commands';
import { operationsEvents } from './operations/events';
import { createOperationsRepository, operationsConstraints } from './operations/repository';
import { createOrderCommands, releaseOrders } from './orders/commands';
import { orderEvents } from './orders/events';
import { createOrderRepository, orderConstraints } from './orders/repository';
import { orderViews } from './orders/views';
import { createTicketCommands, deleteTickets } from './tickets/commands';
import { dashboardView } from './tickets/dashboard';
import { ticketEvents } from './tickets/events';
import { createTicketRepository, ticketConstraints } from './tickets/repository';
import { ticketViews } from './tickets/views';
import { createUserCommands } from './users/commands';
import { UserRegistered, userEvents } from './users/events';
import type { FindRecipient } from './users/recipient';
import { createSettingsRepository, createUserRepository, userConstraints } from './users/repository';
import { sendWelcomeEmailOnUserRegistered } from './users/send-welcome-email-on-user-registered';
import { userViews } from './users/views';

// To add a domain, register what it has here, and its routes in app.ts.

/** Every event type of every domain. */
export const eventCatalogue = createEventCatalogue([
  ...userEvents,
  ...authEvents,
  ...itemEvents,
  ...orderEvents,
  ...ticketEvents,
  ...operationsEvents,
]);

/** Every read model. */
export const views = [...userViews, ...itemViews, ...orderViews, ...ticketViews, dashboardView];

/** The domain errors behind the constraints of all tables. */
export const constraints = {
  ...userConstraints,
  ...authConstraints,
  ...itemConstraints,
  ...orderConstraints,
  ...ticketConstraints,
  ...operationsConstraints,
};

/** The repositories of one unit of work. */
export function createRepositories(context: RepositoryContext) {
  const items = createItemRepository(context);
  const orders = createOrderRepository(context);
  const tickets = createTicketRepository(context);
  return {
    users: createUserRepository(context),
    settings: createSettingsRepository(context),
    sessions: createSessionRepository(context),
    passwordResets: createPasswordResetRepository(context),
    items,
    orders,
    tickets,
    operations: createOperationsRepository(context),
    // Tickets may name orders, so they go first.
    ownedByAccount: [deleteTickets(tickets), releaseOrders(orders), deleteItems(items)],
  };
}

type Repositories = ReturnType<typeof createRepositories>;

/** Every command, by its name. */
export function createCommands(unitOfWork: UnitOfWork<Repositories>, resetTokens: ResetTokens) {
  return {
    ...createUserCommands(unitOfWork),
    ...createAuthCommands(unitOfWork, resetTokens),
    ...createItemCommands(unitOfWork),
    ...createOrderCommands(unitOfWork),
    ...createTicketCommands(unitOfWork),
    ...createOperationsCommands(
      unitOfWork,
      views.map(({ name }) => name),
    ),
  };
}

interface EmailServices {
  findRecipient: FindRecipient;
  resetTokens: ResetTokens;
  resetUrl: string;
}

const emailTypes = new Set<string>([UserRegistered.type, PasswordResetRequested.type]);

/** Which e-mail follows which event. */
export function createEmailReactions(services: EmailServices): ReadonlyMap<string, EmailReaction> {
  return new Map([
    [UserRegistered.type, sendWelcomeEmailOnUserRegistered(services.findRecipient)],
    [PasswordResetRequested.type, sendResetEmailOnPasswordResetRequested(services)],
  ]);
}

const projectedTypes = new Set(views.flatMap(({ triggers }) => triggers.flatMap(({ types }) => types)));

/** Which of our own handlers are to hear of an event of this type. */
export function ownSubscriptionsOf(type: string): Subscription[] {
  const wanted: Subscription[] = ['analytics'];
  if (projectedTypes.has(type)) wanted.push('projections');
  if (emailTypes.has(type)) wanted.push('emails');
  return wanted;
}
