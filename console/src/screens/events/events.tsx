import { useAddress } from '../../address';
import { api } from '../../api';
import { texts } from '../../language';
import { useList } from '../../pages';
import { ListTitle } from '../../parts/list-title';
import { Loaded } from '../../parts/loaded';
import { More } from '../../parts/more';
import { useTitle } from '../../title';
import { Filters } from './filters';
import { type EventFilter, filterNames } from './links';
import { EventRows } from './rows';

/** The event log, newest first, with the filters of its address. */
export function Events() {
  const address = useAddress<EventFilter>();
  const query = Object.fromEntries(filterNames.map((name) => [name, address.query[name]]));
  const list = useList(
    `events ${JSON.stringify(query)}`,
    (cursor, headers) => api().operations.events.$get({ query: { ...query, cursor } }, { headers }),
    { growsAtTop: true },
  );
  const text = texts.value.events;
  const title = texts.value.sections.events;
  useTitle(title);
  return (
    <>
      <ListTitle>{title}</ListTitle>
      <p class="quiet">{text.hint}</p>
      <Filters {...address} />
      <Loaded read={list.read}>
        {() =>
          list.rows?.length === 0 ? (
            <p role="status">{list.more ? text.noneYet : text.none}</p>
          ) : (
            <EventRows caption={title} events={list.rows ?? []} />
          )
        }
      </Loaded>
      <More list={list} />
    </>
  );
}
