import type { Commands, Queries } from '../../../src/domains';

/** What people do after a command: another one about the same things, or a look at its effect. */
export const followUps: { readonly [Name in keyof Commands]?: readonly (keyof Commands | keyof Queries)[] } = {
  RegisterUser: ['SignIn', 'ListUsers', 'UpdateUser'],
  SignIn: ['RefreshSession', 'SignOut', 'GetOwnUser'],
  RefreshSession: ['RefreshSession', 'SignOut', 'GetOwnUser'],
  ChangeRole: ['SignIn', 'DeactivateUser', 'GetUser'],
  DeactivateUser: ['ReactivateUser', 'GetUser', 'SignIn'],
  ReactivateUser: ['SignIn', 'GetUser'],
  DeleteUser: ['ListUsers', 'ListItems', 'ListTickets'],
  UpdateUser: ['SignIn', 'GetUser', 'UpdateSettings'],
  UpdateSettings: ['GetSettings', 'UpdateSettings'],
  RequestPasswordReset: ['ConfirmPasswordReset', 'ConfirmPasswordReset', 'RequestPasswordReset'],
  ConfirmPasswordReset: ['SignIn', 'ConfirmPasswordReset'],
  CreateItem: ['PlaceOrder', 'UpdateItem', 'ListItems'],
  UpdateItem: ['PlaceOrder', 'UpdateItem', 'GetItem', 'ListItems'],
  DeleteItem: ['GetItem', 'ListItems'],
  PlaceOrder: ['ShipOrder', 'ShipOrder', 'CancelOrder', 'OpenTicket', 'UpdateItem', 'GetOrder', 'ListOrders'],
  ShipOrder: ['DeliverOrder', 'DeliverOrder', 'CancelOrder', 'GetOrder'],
  CancelOrder: ['GetItem', 'PlaceOrder', 'GetOrder'],
  DeliverOrder: ['CancelOrder', 'ListOrders'],
  OpenTicket: ['AddTicketNote', 'ChangeTicketStatus', 'GetTicket', 'ListTickets'],
  ChangeTicketStatus: ['ChangeTicketStatus', 'AddTicketNote', 'GetTicketDashboard', 'ListTickets'],
  AddTicketNote: ['GetTicket', 'ListTickets', 'ChangeTicketStatus'],
  StartRebuild: ['CancelRebuild', 'CancelRebuild', 'GetRebuild', 'ListRebuilds'],
  CancelRebuild: ['StartRebuild', 'ListRebuilds'],
  ReplayDeadLetters: ['ListDeadLetters', 'ListEvents'],
};
