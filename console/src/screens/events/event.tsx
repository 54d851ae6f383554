import type { InferResponseType } from 'hono/client';
import { useRoute } from 'preact-iso';
import { api } from '../../api';
import { texts } from '../../language';
import { Loaded } from '../../parts/loaded';
import { isMissing, useRead } from '../../read';
import { useTitle } from '../../title';
import { Caused } from './caused';
import { EventFacts } from './facts';
import { EventRows } from './rows';

/** An event with what belongs to it and what it caused. */
export type EventDetail = InferResponseType<ReturnType<typeof api>['operations']['events'][':position']['$get']>;

function Related({ related }: Pick<EventDetail, 'related'>) {
  const { related: text } = texts.value.events;
  return (
    <section aria-labelledby="related">
      <h2 id="related">{text.title}</h2>
      {related.length === 0 ? <p class="quiet">{text.none}</p> : <EventRows caption={text.title} events={related} />}
    </section>
  );
}

function EventAt({ position }: { position: string }) {
  const text = texts.value.events;
  const read = useRead(`event ${position}`, (headers) =>
    api().operations.events[':position'].$get({ param: { position } }, { headers }),
  );
  const type = read.data.value?.event.type;
  useTitle(type && `${type} #${position}`);
  return (
    <>
      <p class="title">
        <a href="/console/events">← {text.back}</a>
      </p>
      {isMissing(read.error.value) ? (
        <>
          <h1>{texts.value.sections.events}</h1>
          <p role="alert">{text.missing}</p>
        </>
      ) : (
        <Loaded read={read}>
          {(detail) => (
            <>
              <h1>
                {detail.event.type} <span class="quiet">#{position}</span>
              </h1>
              <EventFacts event={detail.event} />
              <Related related={detail.related} />
              <Caused detail={detail} />
            </>
          )}
        </Loaded>
      )}
    </>
  );
}

/** One event of the log. */
export function Event() {
  const { position = '' } = useRoute().params;
  return <EventAt key={position} position={position} />;
}
