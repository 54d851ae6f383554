import { isStaff, requireStaff } from '../access/caller';
import type { Reader } from '../access/reader';
import type { PageRequest } from '../cqrs/reading/pages';
import { type FoundDocument, requireDocument } from '../cqrs/reading/read-models';
import type { Clock } from '../platform/clock';
import { dashboardKey, dashboardView, presentDashboard } from './dashboard';
import { ticketErrors } from './errors';
import type { StaffTicket, StaffTicketSummary, TicketDetail, TicketSummary } from './schemas';
import type { TicketStatus } from './ticket-status';
import * as views from './views';

interface TicketListRequest extends PageRequest {
  status?: TicketStatus | undefined;
  /** For agents and admins. */
  hasNote?: boolean | undefined;
}

/** The queries of the support desk. A customer never reads a document, list or count that depends on notes. */
export function createTicketQueries(reader: Reader, clock: Clock) {
  /** The role of the token chooses the read model; the read then checks that the token is valid, and so its role. */
  const isCustomer = () => reader.caller().role === 'customer';

  async function getOwnTicket(id: string): Promise<FoundDocument<TicketDetail>> {
    const notFound = () => ticketErrors.notFound({ ticketId: id });
    const { actor, result } = await reader.read(views.ticketView, id);
    const found = requireDocument(result, notFound);
    if (found.document.data.customerId !== actor.id) throw notFound();
    return found;
  }

  async function getStaffTicket(id: string): Promise<FoundDocument<StaffTicket>> {
    const notFound = () => ticketErrors.notFound({ ticketId: id });
    const { actor, result } = await reader.read(views.staffTicketView, id);
    if (!isStaff(actor)) throw notFound();
    return requireDocument(result, notFound);
  }

  async function listOwnTickets({ status, hasNote, ...page }: TicketListRequest) {
    const filter = { customer: reader.caller().userId, status };
    const list = await reader.readList<TicketSummary>({
      view: views.ticketListView,
      key: views.ticketListKey(filter),
      page,
      rowsAfter: (db, limit, after) => views.ticketListQuery(db, filter, limit, after),
    });
    // Which tickets have notes is not for a customer to know.
    if (hasNote !== undefined) requireStaff(list.actor);
    return list.page;
  }

  async function listStaffTickets({ status, hasNote, ...page }: TicketListRequest) {
    const filter = { status, hasNote };
    const list = await reader.readList<StaffTicketSummary>({
      view: views.staffTicketListView,
      key: views.staffTicketListKey(filter),
      page,
      rowsAfter: (db, limit, after) => views.staffTicketListQuery(db, filter, limit, after),
    });
    requireStaff(list.actor);
    return list.page;
  }

  return {
    /** A ticket: for its customer without notes, for agents and admins with them. */
    GetTicket: async ({ id }: { id: string }) => (isCustomer() ? getOwnTicket(id) : getStaffTicket(id)),

    /** Tickets, newest first: a customer's own, or for agents and admins all of them. */
    ListTickets: async (request: TicketListRequest) =>
      isCustomer() ? listOwnTickets(request) : listStaffTickets(request),

    /** The figures of the support desk, for agents and admins. */
    async GetTicketDashboard() {
      const { actor, result } = await reader.read(dashboardView, dashboardKey);
      requireStaff(actor);
      const { document, ...freshness } = result;
      return { ...freshness, dashboard: presentDashboard(document?.data, clock.now()) };
    },
  };
}

export type TicketQueries = ReturnType<typeof createTicketQueries>;
