import { useLocation, useRoute } from 'preact-iso';
import { format, texts } from '../../language';
import { Loaded } from '../../parts/loaded';
import { PersonName } from '../../parts/person-name';
import { ShortcutHelp } from '../../parts/shortcut-help';
import { isMissing } from '../../read';
import { useShortcuts } from '../../shortcuts';
import { useTitle } from '../../title';
import { Beside } from './beside';
import { News } from './changes';
import { Conversation } from './conversation';
import type { StaffTicket } from './staff-ticket';
import { type OpenTicket, useTicket } from './use-ticket';
import { Work } from './work';
import { Write } from './write';
import './ticket.css';

function Content({ ticket, open }: { ticket: StaffTicket; open: OpenTicket }) {
  const text = texts.value.ticket;
  const { customerId, createdAt, subject } = ticket;
  return (
    <div class="ticket">
      <div class="head">
        <h1>{subject}</h1>
        <p class="quiet">
          {text.opened} <PersonName id={customerId} /> · {format.value.time(createdAt)}
        </p>
        <Work ticket={ticket} open={open} />
      </div>
      <div class="talk">
        <Conversation ticket={ticket} />
        <News before={open.known(ticket)} after={ticket} onNoted={open.note} />
        <Write ticket={ticket} open={open} />
      </div>
      <Beside ticket={ticket} />
    </div>
  );
}

function TicketOf({ id }: { id: string }) {
  const open = useTicket(id);
  const { route } = useLocation();
  const text = texts.value.ticket;
  useTitle(open.read.data.value?.subject);
  useShortcuts({ u: () => route('/console/tickets') });
  return (
    <>
      <p class="title">
        <a href="/console/tickets">← {text.back}</a>
        <ShortcutHelp
          keys={[
            ['r', text.keys.reply],
            ['n', text.keys.note],
            ['u', text.keys.back],
          ]}
        />
      </p>
      {isMissing(open.read.error.value) ? (
        <p role="alert">{text.missing}</p>
      ) : (
        <Loaded read={open.read}>{(ticket) => <Content ticket={ticket} open={open} />}</Loaded>
      )}
    </>
  );
}

/** A ticket: its conversation, what can be done with it, and its customer. */
export function Ticket() {
  const { id = '' } = useRoute().params;
  // Another ticket has its own drafts and news.
  return <TicketOf key={id} id={id} />;
}
