import { texts } from '../../language';
import { Status, type Tone } from '../../parts/status';

/** Every status of a ticket, in the order in which it usually goes through them. */
export const statuses = ['open', 'triaged', 'closed'] as const;
export type TicketStatus = (typeof statuses)[number];

const tones: Readonly<Record<TicketStatus, Tone>> = { open: 'warn', triaged: 'good', closed: 'quiet' };

/** The status of a ticket: an open one waits for the support. */
export function StatusOfTicket({ status }: { status: TicketStatus }) {
  return <Status tone={tones[status]}>{texts.value.tickets.status[status]}</Status>;
}
