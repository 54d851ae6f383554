import { isStaff, requireStaff } from '../access/caller';
import type { Reader } from '../access/reader';
import { everybodyKey } from '../cqrs/reading/list-view';
import type { ListRequest, PageRequest } from '../cqrs/reading/page-request';
import type { Page } from '../cqrs/reading/pages';
import { type FoundDocument, requireDocument } from '../cqrs/reading/read-models';
import type { Clock } from '../platform/clock';
import { dashboardKey, dashboardView, presentDashboard } from './dashboard';
import { ticketErrors } from './errors';
import type { StaffTicket, StaffTicketSummary, TicketDetail, TicketNoteDetail, TicketSummary } from './schemas';
import * as staffViews from './staff-views';
import { requireWorkable } from './ticket';
import type { TicketStatus } from './ticket-status';
import * as views from './views';

interface TicketListRequest extends ListRequest {
  status?: TicketStatus | undefined;
  /** For agents and admins. */
  hasNote?: boolean | undefined;
  /** For agents and admins. */
  customer?: string | undefined;
}

/** The queries of the support desk. Nothing that a customer can read depends on notes. */
export function createTicketQueries(reader: Reader, clock: Clock) {
  /** The role in the token may choose the read model, because the read then checks the token and with it the role. */
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
    const { actor, result } = await reader.read(staffViews.staffTicketView, id);
    if (!isStaff(actor)) throw notFound();
    return requireDocument(result, notFound);
  }

  async function listOwnTickets({ status, hasNote, customer, ...page }: TicketListRequest) {
    const filter = { customer: reader.caller().userId, status };
    const list = await reader.readList<TicketSummary>({
      view: views.ticketListView,
      key: filter.customer,
      cells: views.ticketCells(filter),
      page,
      query: (db, slice) => views.ticketListQuery(db, filter, slice),
      // Which tickets have notes, and whose the others are, is not for a customer to know.
      authorize: (actor) => void ((hasNote !== undefined || customer !== undefined) && requireStaff(actor)),
    });
    return list.page;
  }

  async function listStaffTickets({ status, hasNote, customer, ...page }: TicketListRequest) {
    const filter = { status, hasNote, customer };
    const list = await reader.readList<StaffTicketSummary>({
      view: staffViews.staffTicketListView,
      // The tickets of one customer have no document.
      key: customer === undefined ? everybodyKey : undefined,
      cells: staffViews.staffTicketCells(filter),
      page,
      query: (db, slice) => staffViews.staffTicketListQuery(db, filter, slice),
      authorize: requireStaff,
    });
    return list.page;
  }

  return {
    /** Reads a ticket: for its customer without notes, for agents and admins with notes. */
    GetTicket: async ({ id }: { id: string }): Promise<FoundDocument<StaffTicket | TicketDetail>> =>
      isCustomer() ? getOwnTicket(id) : getStaffTicket(id),

    /** Lists tickets: for customers their own, for agents and admins those of one customer or of all. */
    ListTickets: async (request: TicketListRequest): Promise<Page<StaffTicketSummary | TicketSummary>> =>
      isCustomer() ? listOwnTickets(request) : listStaffTickets(request),

    /** Lists the notes of a ticket, newest first, for agents and admins. */
    async ListTicketNotes({ id, ...page }: { id: string } & PageRequest) {
      return reader.readPart<StaffTicket, TicketNoteDetail>({
        view: staffViews.staffTicketView,
        key: id,
        page,
        firstRows(actor, result) {
          const { document, ...freshness } = requireDocument(result, () => ticketErrors.notFound({ ticketId: id }));
          const { notes, noteCount } = document.data;
          requireWorkable(document.data, actor);
          return { rows: notes, total: undefined, count: noteCount, freshness };
        },
        query: (db, slice) => staffViews.noteListQuery(db, id, slice),
        // The query selects the fields of a note.
        toList: (notes) => ({ rows: notes as TicketNoteDetail[], total: undefined }),
      });
    },

    /** Reads the figures of the support desk, for agents and admins. */
    async GetTicketDashboard() {
      const { actor, result } = await reader.read(dashboardView, dashboardKey);
      requireStaff(actor);
      const { document, ...freshness } = result;
      return { ...freshness, dashboard: presentDashboard(document?.data, clock.now()) };
    },
  };
}

export type TicketQueries = ReturnType<typeof createTicketQueries>;
