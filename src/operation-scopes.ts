import type { OperationScopes } from './access/within-scopes';
import type { Commands, Queries } from './domains';

// Without an entry here no API key may carry out an operation. What changes who may sign in has none: passwords, addresses,
// roles, new and deleted accounts, and keys themselves. Public operations have none either, because they look at no credentials.

/** The scope that an API key needs for each command. */
export const commandScopes: OperationScopes<Commands> = {
  UpdateSettings: 'users:write',
  DeactivateUser: 'users:write',
  ReactivateUser: 'users:write',
  CreateItem: 'items:write',
  UpdateItem: 'items:write',
  DeleteItem: 'items:write',
  PlaceOrder: 'orders:write',
  CancelOrder: 'orders:write',
  ShipOrder: 'orders:write',
  DeliverOrder: 'orders:write',
  OpenTicket: 'tickets:write',
  ChangeTicketStatus: 'tickets:write',
  AddTicketNote: 'tickets:write',
  ReplyToTicket: 'tickets:write',
  AssignTicket: 'tickets:write',
  SearchUsers: 'users:read',
  RecordExport: 'exports:read',
  RecordAccountExport: 'exports:read',
  ReplayDeadLetters: 'operations:write',
  DiscardDeadLetters: 'operations:write',
  StartRebuild: 'operations:write',
  CancelRebuild: 'operations:write',
};

/** The scope that an API key needs for each query. */
export const queryScopes: OperationScopes<Queries> = {
  GetOwnUser: 'users:read',
  GetUser: 'users:read',
  ListUsers: 'users:read',
  GetSettings: 'users:read',
  GetOrder: 'orders:read',
  ListOrders: 'orders:read',
  GetTicket: 'tickets:read',
  ListTickets: 'tickets:read',
  ListTicketNotes: 'tickets:read',
  ListTicketReplies: 'tickets:read',
  GetTicketDashboard: 'tickets:read',
  GetSalesDashboard: 'orders:read',
  ReadEvents: 'events:read',
  ExportOrders: 'exports:read',
  ExportTickets: 'exports:read',
  ExportEvents: 'exports:read',
  ExportAccount: 'exports:read',
  ListProjections: 'operations:read',
  ListRebuilds: 'operations:read',
  GetRebuild: 'operations:read',
  ListErasures: 'operations:read',
  ListWaitingDeliveries: 'operations:read',
  ListDeadLetters: 'operations:read',
  ListEvents: 'operations:read',
  GetMetrics: 'operations:read',
};
