import type { InferResponseType } from 'hono/client';
import type { api } from '../../api';

type Tickets = ReturnType<typeof api>['tickets'];

/** A ticket as agents and admins read it. */
export type StaffTicket = Extract<InferResponseType<Tickets[':id']['$get']>, { assigneeId: unknown }>;
export type StaffReply = StaffTicket['replies'][number];
export type TicketNote = StaffTicket['notes'][number];

/** A row of the list that agents and admins read. */
export type StaffTicketSummary = Extract<InferResponseType<Tickets['$get']>['data'][number], { assigneeId: unknown }>;
