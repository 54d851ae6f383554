import { ProblemError } from '@frontdesk/client';
import { batch, type Signal, useSignal, useSignalEffect } from '@preact/signals';
import { api } from '../../api';
import { isVisible } from '../../clock';
import { type Read, useRead } from '../../read';
import { ifMatch } from '../../tag';
import { markSeen } from '../tickets/seen';
import { changesBetween } from './changes';
import type { StaffTicket } from './staff-ticket';

/** What was not done because of what others did, and the ticket as it was on the screen then. */
interface Refusal {
  of: 'work' | 'reply';
  before: StaffTicket;
}

/** The ticket of the screen, and what others do to it meanwhile. */
export interface OpenTicket {
  read: Read<StaffTicket>;
  refusal: Signal<Refusal | undefined>;
  /** The ticket as the person knows it; what differs from it is new. */
  known(ticket: StaffTicket): StaffTicket;
  /** The person has noted what is new. */
  note(): void;
  /** Sends a change of status or assignee of the ticket as it is shown; it is refused if others changed it before. */
  change(request: (headers: Record<string, string>) => Promise<unknown>): Promise<void>;
  /** Sends a reply, unless others did something just now. Resolves to whether it was sent. */
  reply(request: () => Promise<unknown>): Promise<boolean>;
}

/** Reads a ticket while it is shown, and remembers that the person has seen it. */
export function useTicket(id: string): OpenTicket {
  const read = useRead<StaffTicket>(`ticket ${id}`, async (headers) => {
    const response = await api().tickets[':id'].$get({ param: { id } }, { headers });
    // Agents and admins get the form that is for them.
    return response as Omit<typeof response, 'json'> & { json(): Promise<StaffTicket> };
  });
  const known = useSignal<StaffTicket | undefined>(undefined);
  const refusal = useSignal<Refusal | undefined>(undefined);
  const isSending = useSignal(false);
  useSignalEffect(() => {
    const { value: ticket } = read.data;
    if (!ticket) return;
    if (known.peek() === undefined) known.value = ticket;
    if (isVisible.value) markSeen(ticket.id, ticket.updatedAt);
  });

  /** What the person does themselves is no news, and what stood on the screen before neither. */
  async function send(shown: StaffTicket, request: () => Promise<unknown>) {
    refusal.value = undefined;
    isSending.value = true;
    try {
      await request();
      await read.refresh();
    } finally {
      const { status, assigneeId } = read.data.value ?? shown;
      batch(() => {
        known.value = { ...shown, status, assigneeId };
        isSending.value = false;
      });
    }
  }

  return {
    read,
    refusal,
    known: (ticket) => (isSending.value || refusal.value ? ticket : (known.value ?? ticket)),
    note() {
      refusal.value = undefined;
      known.value = read.data.value;
    },
    async change(request) {
      const { value: shown } = read.data;
      if (!shown) return;
      const headers = ifMatch(read);
      try {
        await send(shown, () => request(headers));
      } catch (error) {
        if (!(error instanceof ProblemError) || error.status !== 412) throw error;
        refusal.value = { of: 'work', before: shown };
        await read.refresh();
      }
    },
    async reply(request) {
      const { value: shown } = read.data;
      if (!shown) return false;
      // The version of a ticket does not count replies, so a colleague's can only be seen by reading once more.
      await read.refresh();
      const { value: ticket = shown } = read.data;
      if (changesBetween(shown, ticket).length > 0) {
        refusal.value = { of: 'reply', before: shown };
        return false;
      }
      await send(ticket, request);
      return true;
    },
  };
}
