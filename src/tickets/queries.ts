import { type CheckedActor, isStaff, requireStaff } from '../access/caller';
import type { Reader } from '../access/reader';
import { everybodyKey } from '../cqrs/reading/list-view';
import type { ListRequest, PageRequest } from '../cqrs/reading/page-request';
import type { Page } from '../cqrs/reading/pages';
import { type FoundDocument, requireDocument } from '../cqrs/reading/read-models';
import type { View } from '../cqrs/reading/view';
import type { Clock } from '../platform/clock';
import { dashboardKey, dashboardView, presentDashboard } from './dashboard';
import { ticketErrors } from './errors';
import { speakerOn } from './reply';
import { replyListQuery, withoutAuthor } from './reply-views';
import type {
  StaffReply,
  StaffTicket,
  StaffTicketSummary,
  TicketDetail,
  TicketNoteDetail,
  TicketReplyDetail,
  TicketSummary,
} from './schemas';
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
  /** For agents and admins: who works on the tickets: `me`, `none` or the id of an account. */
  assignee?: string | undefined;
}

/** The queries of the support desk. Nothing that a customer can read depends on notes or on who works on a ticket. */
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

  async function listOwnTickets({ status, hasNote, customer, assignee, ...page }: TicketListRequest) {
    const isForStaff = [hasNote, customer, assignee].some((wanted) => wanted !== undefined);
    const filter = { customer: reader.caller().userId, status };
    const list = await reader.readList<TicketSummary>({
      view: views.ticketListView,
      key: filter.customer,
      cells: views.ticketCells(filter),
      page,
      query: (db, slice) => views.ticketListQuery(db, filter, slice),
      // Which tickets have notes, who works on them, and whose the others are, is not for a customer to know.
      authorize: (actor) => void (isForStaff && requireStaff(actor)),
    });
    return list.page;
  }

  async function listStaffTickets({ status, hasNote, customer, assignee: wanted, ...page }: TicketListRequest) {
    const named = wanted === 'me' ? reader.caller().userId : wanted;
    const assignee = named === 'none' ? null : named;
    const filter = { status, hasNote, customer, assignee };
    const list = await reader.readList<StaffTicketSummary>({
      view: staffViews.staffTicketListView,
      // The tickets of one customer, and those of one assignee, have no document.
      key: customer === undefined && assignee === undefined ? everybodyKey : undefined,
      cells: staffViews.staffTicketCells(filter),
      page,
      query: (db, slice) => staffViews.staffTicketListQuery(db, filter, slice),
      authorize: requireStaff,
    });
    return list.page;
  }

  /** The page of a ticket's replies; the first rows are in the ticket's document. */
  function listReplies<Reply extends TicketReplyDetail, Data extends TicketDetail>(
    { id, ...page }: { id: string } & PageRequest,
    view: View<Data>,
    requireAccess: (ticket: Data, actor: CheckedActor) => void,
    toReply: (reply: StaffReply) => Reply,
  ): Promise<Page<Reply>> {
    return reader.readPart<Data, Reply>({
      view,
      key: id,
      page,
      firstRows(actor, result) {
        const { document, ...freshness } = requireDocument(result, () => ticketErrors.notFound({ ticketId: id }));
        const { replies, replyCount } = document.data;
        requireAccess(document.data, actor);
        // The replies of a document of this view.
        return {
          rows: replies as readonly TicketReplyDetail[] as Reply[],
          total: undefined,
          count: replyCount,
          freshness,
        };
      },
      query: (db, slice) => replyListQuery(db, id, slice),
      // The query selects the fields of a reply.
      toList: (replies) => ({ rows: (replies as StaffReply[]).map(toReply), total: undefined }),
    });
  }

  return {
    /** Reads a ticket: for its customer without notes, for agents and admins with notes. */
    GetTicket: async ({ id }: { id: string }): Promise<FoundDocument<StaffTicket | TicketDetail>> =>
      isCustomer() ? getOwnTicket(id) : getStaffTicket(id),

    /** Lists tickets: for customers their own, for agents and admins those of one customer or of all. */
    ListTickets: async (request: TicketListRequest): Promise<Page<StaffTicketSummary | TicketSummary>> =>
      isCustomer() ? listOwnTickets(request) : listStaffTickets(request),

    /** Lists the replies of a ticket, newest first, for its customer, agents and admins. */
    ListTicketReplies: async (request: { id: string } & PageRequest): Promise<Page<StaffReply | TicketReplyDetail>> =>
      isCustomer()
        ? listReplies(request, views.ticketView, speakerOn, withoutAuthor)
        : listReplies(request, staffViews.staffTicketView, requireWorkable, (reply) => reply),

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
