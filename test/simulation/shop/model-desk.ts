import { countDay, isStaff, later, workOnTicket } from './model-shop';
import { isOtherVersion, isoTime, nothing, type Rule, refuse, signedIn } from './rule';
import { all, byStatus, put, type Ticket } from './state';

/** The rules of replies, assignees and searches. */
export const deskRules: Readonly<Record<string, Rule>> = {
  ReplyToTicket: signedIn((state, request, { id: replyId }) => {
    const { caller, issuedAt, payload } = request;
    const ticket = state.tickets.get(payload.ticketId);
    if (!ticket) return refuse('tickets.not-found');
    const { id, status } = ticket;
    const by = ticket.customerId === caller.userId ? 'customer' : 'staff';
    if (by === 'staff' && !isStaff(caller)) return refuse('tickets.not-found');
    const versionOf = (one: Ticket) => (by === 'customer' ? one.customerVersion : one.version);
    if (isOtherVersion(request, versionOf(ticket))) return refuse('http.precondition-failed');
    const at = isoTime(issuedAt);
    const isReopened = by === 'customer' && status !== 'open';
    const step = isReopened ? 1 : 0;
    const reply = { id: replyId, authorId: caller.userId, by, message: payload.message, createdAt: at } as const;
    const next: Ticket = {
      ...ticket,
      status: isReopened ? 'open' : status,
      version: ticket.version + step,
      customerVersion: ticket.customerVersion + step,
      updatedAt: later(ticket.updatedAt, at),
      customerUpdatedAt: later(ticket.customerUpdatedAt, at),
      // Replies are committed in any order, and shown in the order of their ids.
      replies: [...ticket.replies, reply].sort((a, b) => (a.id < b.id ? -1 : 1)),
    };
    return {
      events: [`TicketReplied ${replyId} 1`, ...(isReopened ? [`TicketReopened ${id} ${next.version}`] : [])],
      result: { id, version: versionOf(next) },
      effect: all(put('tickets', id, next), ...(status === 'closed' && isReopened ? [countDay(at, 'reopened')] : [])),
    };
  }),

  AssignTicket: workOnTicket((ticket, { issuedAt, payload }, _, state) => {
    const { id, version } = ticket;
    const { assigneeId } = payload;
    if (assigneeId === ticket.assigneeId) return nothing({ id, version });
    const assignee = state.users.get(assigneeId);
    if (assigneeId !== null && !(assignee?.isActive && isStaff(assignee))) return refuse('tickets.unknown-assignee');
    const updatedAt = later(ticket.updatedAt, isoTime(issuedAt));
    const next = { ...ticket, assigneeId, updatedAt, version: version + 1 };
    return {
      events: [`TicketAssigned ${id} ${version + 1}`],
      result: { id, version: version + 1 },
      effect: put('tickets', id, next),
    };
  }),

  ReleaseTickets(state, { payload: { assigneeId } }) {
    const account = state.users.get(assigneeId);
    const theirs = [...state.tickets.values()].filter((ticket) => ticket.assigneeId === assigneeId).sort(byStatus);
    if (!account || (account.isActive && isStaff(account)) || theirs.length === 0) return nothing();
    // A commit takes as many as a limit says.
    return theirs.map((_, index) => {
      const released = theirs.slice(0, index + 1);
      const effects = released.map((ticket) => {
        const updatedAt = later(ticket.updatedAt, account.updatedAt);
        return put('tickets', ticket.id, { ...ticket, assigneeId: null, updatedAt, version: ticket.version + 1 });
      });
      return {
        events: released.map(({ id, version }) => `TicketAssigned ${id} ${version + 1}`),
        effect: all(...effects),
      };
    });
  },

  // What is found is read just before the commit, where another commit may come in between.
  SearchUsers: signedIn(
    (_, __, { id }) => ({ events: [`UsersSearched ${id} 1`], effect: (state) => state }),
    'agent',
    'admin',
  ),
};
