import { createAccessRepository } from './access/access-repository';
import type { DefineCommand } from './access/access-rules';
import { accessErrors } from './access/errors';
import type { Reader } from './access/reader';
import { type ApiKeyServices, createApiKeyCommands, revokeKeysOfAccount } from './api-keys/commands';
import { apiKeyErrors } from './api-keys/errors';
import { apiKeyEvents } from './api-keys/events';
import { notifyOfNewKey } from './api-keys/notifications';
import { createApiKeyQueries } from './api-keys/queries';
import { createApiKeyRepository } from './api-keys/repository';
import { apiKeys as apiKeyTable } from './api-keys/tables';
import { apiKeyViews } from './api-keys/views';
import { type AuthServices, createAuthCommands } from './auth/commands';
import { authErrors } from './auth/errors';
import { authEvents, PasswordResetRequested, SessionStarted } from './auth/events';
import { linkOnPasswordResetRequested } from './auth/notifications';
import { createAuthQueries } from './auth/queries';
import { removeExpiredCredentials } from './auth/remove-expired';
import {
  createAccountRepository,
  createPasswordResetRepository,
  createSessionRepository,
  sessionsOfAccount,
} from './auth/repository';
import type { ResetTokens } from './auth/reset-tokens';
import { consistencyTokenErrors } from './cqrs/log/consistency-token';
import { createEventCatalogue, type NewEvent, type RecordedEvent, type Subscription } from './cqrs/log/event';
import type { CountedList } from './cqrs/reading/list-counts';
import { pageErrors } from './cqrs/reading/page-request';
import type { Projector, ViewKey } from './cqrs/reading/projector';
import type { RebuildStep } from './cqrs/reading/rebuild';
import { repairListCounts } from './cqrs/reading/repair-list-counts';
import { when } from './cqrs/reading/view';
import { commandErrors } from './cqrs/writing/errors';
import { removeExpiredResponses } from './cqrs/writing/remove-expired';
import type { RepositoryContext } from './cqrs/writing/unit-of-work';
import { removeExpiredEmailLimits } from './email/email-limiter';
import { createExportCommands } from './exports/commands';
import { exportErrors } from './exports/errors';
import { exportEvents } from './exports/events';
import { createExportQueries } from './exports/queries';
import { feedErrors } from './feed/errors';
import { createFeedQueries, type FeedServices } from './feed/queries';
import { httpErrors } from './http/errors';
import { createItemCommands, deleteItemsOfAccount } from './items/commands';
import { itemErrors } from './items/errors';
import { itemEvents } from './items/events';
import { createItemQueries } from './items/queries';
import { createItemRepository, itemConstraints } from './items/repository';
import { createSelling, type Sellers } from './items/sellers';
import { countedItems, itemCount, itemViews } from './items/views';
import { createReactions, findRegistration, on, type Reaction, type Registration } from './notifications/reaction';
import { createOperationsCommands } from './operations/commands';
import { operationsErrors } from './operations/errors';
import { DeadLettersReplayed, operationsEvents, RebuildStarted } from './operations/events';
import { createInspectionQueries, type InspectionServices } from './operations/inspection-queries';
import { createOperationsQueries, type OperationsQueryServices } from './operations/queries';
import { removeRefusedEmails } from './operations/remove-refused';
import { createOperationsRepository } from './operations/repository';
import { createOrderCommands, releaseOrdersOfAccount } from './orders/commands';
import { orderErrors } from './orders/errors';
import { OrderCancelled, OrderDelivered, OrderPlaced, OrderShipped, orderEvents } from './orders/events';
import { type createFindOrderFacts, onOrder } from './orders/notifications';
import { createOrderQueries } from './orders/queries';
import { removeOldSales, repairSales } from './orders/repair-sales';
import { createOrderRepository } from './orders/repository';
import { salesKey, salesView } from './orders/sales';
import { countedOrders, orderCount, orderViews } from './orders/views';
import type { Clock } from './platform/clock';
import { openSession } from './platform/d1';
import type { LogFields, Logger } from './platform/logger';
import { createTicketCommands, deleteTicketsOfAccount, releaseTicketsOfAssignee } from './tickets/commands';
import { dashboardKey, dashboardView } from './tickets/dashboard';
import { ticketErrors } from './tickets/errors';
import { ticketEvents } from './tickets/events';
import { notifyOfClosing, notifyOfReply } from './tickets/notifications';
import { createTicketQueries } from './tickets/queries';
import { createTicketRepository, notesOfAccount, repliesOfAccount } from './tickets/repository';
import { countedAssignments, staffTicketViews } from './tickets/staff-views';
import { countedTickets, customerTicketViews, openTicketCount } from './tickets/views';
import { laterRequestsOf } from './users/background-requests';
import { createUserCommands, type UserServices } from './users/commands';
import { type ConfirmationServices, createConfirmationCommands } from './users/confirmation-commands';
import { createEmailConfirmationRepository } from './users/confirmation-repository';
import type { Eraser, ErasureStep } from './users/eraser';
import { userErrors } from './users/errors';
import {
  EmailConfirmationRequested,
  UserDeleted,
  UserEmailConfirmed,
  UserPasswordChanged,
  UserRegistered,
  UserUpdated,
  userEvents,
} from './users/events';
import { removeExpiredConfirmations } from './users/expired-confirmations';
import {
  confirmOnEmailConfirmationRequested,
  type LinkServices,
  tellNewAddressOnUserUpdated,
  tellOldAddressOnUserEmailConfirmed,
  tellOnUserPasswordChanged,
  welcomeOnUserRegistered,
} from './users/notifications';
import { createUserQueries } from './users/queries';
import {
  createErasureRepository,
  createSettingsRepository,
  createUserRepository,
  userConstraints,
} from './users/repository';
import { foldNames } from './users/search';
import { users } from './users/tables';
import { countedUsers, createUserView, userViews } from './users/views';

// To add a domain, register each of its parts here, and its routes in app.ts. See CONTRIBUTING.md.

/** Every event type of every domain. */
export const eventCatalogue = createEventCatalogue([
  ...userEvents,
  ...authEvents,
  ...apiKeyEvents,
  ...itemEvents,
  ...orderEvents,
  ...ticketEvents,
  ...operationsEvents,
  ...exportEvents,
]);

/** The account with the counts that the other domains offer. */
export const userView = createUserView(
  { itemCount, orderCount, openTicketCount },
  when([SessionStarted], ({ data }) => [data.userId]),
);

/** Every read model. */
export const views = [
  userView,
  ...userViews,
  ...apiKeyViews,
  ...itemViews,
  ...orderViews,
  ...customerTicketViews,
  ...staffTicketViews,
  dashboardView,
  salesView,
];

/** Every list whose rows are counted. */
export const countedLists: readonly CountedList[] = [
  countedUsers,
  countedItems,
  countedOrders,
  countedTickets,
  countedAssignments,
];

/** Every error that a response of the API can have. */
export const errorCatalogue = [
  ...Object.values(httpErrors),
  ...Object.values(consistencyTokenErrors),
  ...Object.values(pageErrors),
  ...Object.values(commandErrors),
  ...Object.values(accessErrors),
  ...Object.values(authErrors),
  ...Object.values(apiKeyErrors),
  ...Object.values(userErrors),
  ...Object.values(itemErrors),
  ...Object.values(orderErrors),
  ...Object.values(ticketErrors),
  ...Object.values(operationsErrors),
  ...Object.values(feedErrors),
  ...Object.values(exportErrors),
];

/** The codes of all errors, for clients that decide by them. */
export type ErrorCode = (typeof errorCatalogue)[number]['code'];

/** The domain errors behind the constraints of all tables. */
export const constraints = { ...userConstraints, ...itemConstraints };

/** What accounts have without events, and what is deleted with them. */
export const rowsWithoutEvents = [sessionsOfAccount, notesOfAccount, repliesOfAccount];

/** The repositories of one unit of work. */
export function createRepositories(context: RepositoryContext) {
  const items = createItemRepository(context);
  const orders = createOrderRepository(context);
  const tickets = createTicketRepository(context);
  const sessions = createSessionRepository(context);
  const passwordResets = createPasswordResetRepository(context);
  const emailConfirmations = createEmailConfirmationRepository(context);
  const apiKeys = createApiKeyRepository(context);
  return {
    access: createAccessRepository(context, users, apiKeyTable),
    users: createUserRepository(context),
    settings: createSettingsRepository(context),
    emailConfirmations,
    erasures: createErasureRepository(context, rowsWithoutEvents),
    accounts: createAccountRepository(context),
    sessions,
    passwordResets,
    apiKeys,
    items,
    orders,
    orderableItems: items,
    tickets,
    operations: createOperationsRepository(context),
    revokeSessions: sessions.revokeAll,
    endPasswordResets: passwordResets.endAll,
    useRegistrationLink: emailConfirmations.useRegistration,
    revokeApiKeys: revokeKeysOfAccount(apiKeys),
    // What everybody can see goes first, then what has addresses.
    onAccountDeleted: [
      deleteItemsOfAccount(items),
      releaseOrdersOfAccount(orders, items),
      deleteTicketsOfAccount(tickets),
      releaseTicketsOfAssignee(tickets),
    ],
  };
}

export type Repositories = ReturnType<typeof createRepositories>;

/** What commands need beside the repositories; the configuration chooses who sells, and where the numbers of orders begin. */
export interface CommandServices extends AuthServices, UserServices, ConfirmationServices, ApiKeyServices {
  sellers: Sellers;
  firstOrderNumber: number;
}

/** Every command, bound to one request. */
export function createCommands(command: DefineCommand<Repositories>, services: CommandServices) {
  return {
    ...createUserCommands(command, services),
    ...createConfirmationCommands(command, services),
    ...createAuthCommands(command, services),
    ...createApiKeyCommands(command, services),
    ...createItemCommands(command, createSelling(services.sellers)),
    ...createOrderCommands(command, services.firstOrderNumber),
    ...createTicketCommands(command),
    ...createExportCommands(command),
    ...createOperationsCommands(command, views),
  };
}

export type Commands = ReturnType<typeof createCommands>;

/** Every query, bound to one request. */
export function createQueries(
  reader: Reader,
  services: Omit<
    OperationsQueryServices & InspectionServices & FeedServices,
    'eventCatalogue' | 'laterRequestsOf' | 'views'
  >,
) {
  return {
    ...createUserQueries(reader, userView),
    ...createAuthQueries(reader),
    ...createApiKeyQueries(reader),
    ...createItemQueries(reader),
    ...createOrderQueries(reader, services.clock),
    ...createTicketQueries(reader, services.clock),
    ...createOperationsQueries(reader, { ...services, eventCatalogue, views }),
    ...createInspectionQueries(reader, { ...services, eventCatalogue, laterRequestsOf, views }),
    ...createFeedQueries(reader, { ...services, eventCatalogue }),
    ...createExportQueries(reader, { ...services, eventCatalogue }),
  };
}

export type Queries = ReturnType<typeof createQueries>;

interface ReactionServices extends LinkServices {
  findOrderFacts: ReturnType<typeof createFindOrderFacts>;
  resetTokens: ResetTokens;
  resetUrl: string;
}

/** The notification that follows each type of event; the subscription `emails` receives exactly these events. */
const notifying: readonly Registration<ReactionServices>[] = [
  on(UserRegistered, welcomeOnUserRegistered),
  on(EmailConfirmationRequested, confirmOnEmailConfirmationRequested),
  // A change of the address is two events of one commit, because each event has one e-mail.
  on(UserEmailConfirmed, tellOldAddressOnUserEmailConfirmed, ({ by }) => by === 'change'),
  on(
    UserUpdated,
    () => tellNewAddressOnUserUpdated,
    ({ fields }) => fields.includes('email'),
  ),
  on(UserPasswordChanged, () => tellOnUserPasswordChanged),
  on(PasswordResetRequested, linkOnPasswordResetRequested),
  notifyOfNewKey,
  onOrder(OrderPlaced, 'order-placed'),
  onOrder(OrderShipped, 'order-shipped'),
  onOrder(OrderDelivered, 'order-delivered'),
  onOrder(OrderCancelled, 'order-cancelled'),
  notifyOfReply,
  notifyOfClosing,
];

export function createNotifying(services: ReactionServices): ReadonlyMap<string, Reaction> {
  return createReactions(notifying, services);
}

/**
 * The subscriptions that receive an event, without the one for other teams. The projections receive every
 * event, also one that no view lists: a view of another version of the Worker may list it, and their consumer writes the data
 * points for analytics.
 */
export function ownSubscriptionsOf(event: NewEvent): Subscription[] {
  const subscriptions: Subscription[] = ['projections'];
  if (findRegistration(notifying, event)) subscriptions.push('emails');
  return subscriptions;
}

/** The account that receives the e-mail of an event only if it wants it; undefined for every other event. */
export function onlyIfWantedBy(event: NewEvent): string | undefined {
  return findRegistration(notifying, event)?.onlyIfWantedBy(event.data);
}

interface FollowUpServices {
  relay(): Promise<void>;
  sendRebuildStep(step: RebuildStep): Promise<void>;
  findErasure: Eraser['findFirst'];
  sendErasureStep(step: ErasureStep): Promise<void>;
}

/**
 * The work that an event starts in the background, directly after its commit. If the start fails, the schedule does the
 * work a minute later at most.
 */
export const followUps: Readonly<Record<string, (services: FollowUpServices, event: RecordedEvent) => Promise<void>>> =
  {
    [RebuildStarted.type]: ({ sendRebuildStep }, { streamId }) => sendRebuildStep({ rebuildId: streamId, step: 0 }),
    [DeadLettersReplayed.type]: ({ relay }) => relay(),
    async [UserDeleted.type]({ findErasure, sendErasureStep }, { streamId }) {
      const first = await findErasure(streamId);
      if (first) await sendErasureStep(first);
    },
  };

interface TaskServices {
  clock: Clock;
  database: D1Database;
  logger: Logger;
  projector: Projector;
}

/** Documents whose content depends on the time as well as on events; the schedule projects them every hour. */
const hourlyDocuments: readonly ViewKey[] = [
  { view: dashboardView.id, key: dashboardKey },
  { view: salesView.id, key: salesKey },
];

/** The hourly tasks that domains need, by the name of the log entry; each returns figures for it. */
export const hourlyTasks: Readonly<Record<string, (services: TaskServices) => Promise<LogFields>>> = {
  async 'documents.refreshed'({ projector }) {
    for (const error of (await projector.projectAgain(hourlyDocuments)).errors.values()) throw error;
    return { documents: hourlyDocuments.length };
  },
  async 'names.folded'({ database }) {
    return { names: await foldNames(openSession(database, 'first-primary').db) };
  },
  async 'list-counts.compared'({ clock, database, logger }) {
    const { failures, repaired, ...done } = await repairListCounts(database, countedLists, users, clock.now());
    for (const { list, owner } of repaired) logger.warn('list-count.repaired', { list, owner });
    for (const { error, ...part } of failures) logger.error('list-counts.failed', error, part);
    return { ...done, repaired: repaired.length, failed: failures.length };
  },
  async 'sales.compared'({ clock, database, logger }) {
    const { days, failures, repaired } = await repairSales(database, clock.now());
    for (const part of repaired) logger.warn('sales.repaired', part);
    for (const { date, error } of failures) logger.error('sales.failed', error, { date });
    return { days, repaired: repaired.length, failed: failures.length };
  },
};

/** What the schedule deletes each minute, by the name of the log entry; each returns how many rows it deleted. */
export const cleanUps: Readonly<Record<string, (services: TaskServices) => Promise<Readonly<Record<string, number>>>>> =
  {
    'responses.removed': ({ clock, database }) => removeExpiredResponses(database, clock.now()),
    'email-limits.removed': ({ clock, database }) => removeExpiredEmailLimits(database, clock.now()),
    'refused-emails.removed': ({ clock, database }) => removeRefusedEmails(database, clock.now()),
    'item-sales.removed': ({ database }) => removeOldSales(database),
    'email-confirmations.removed': ({ clock, database }) => removeExpiredConfirmations(database, clock.now()),
    'credentials.removed': ({ clock, database }) => removeExpiredCredentials(database, clock.now()),
  };
