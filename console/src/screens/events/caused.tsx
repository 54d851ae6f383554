import { Fragment } from 'preact';
import { format, say, texts } from '../../language';
import { Status, type Tone } from '../../parts/status';
import type { EventDetail } from './event';
import { EventRows } from './rows';

type Work = EventDetail['work'][number];

const tones: Readonly<Record<Work['state'], Tone>> = {
  done: 'good',
  waiting: 'warn',
  dead: 'bad',
  discarded: 'quiet',
  unknown: 'quiet',
};

function WorkState({ work: { id, state, subscription, nextSendAt, lastError } }: { work: Work }) {
  const { caused: text } = texts.value.events;
  // The work of an e-mail is also done when its receiver is gone or wants none.
  const words = state === 'done' && subscription === 'emails' ? text.sent : text.state[state];
  return (
    <>
      <Status tone={tones[state]}>
        {state === 'dead' ? <a href={`/console/dead-letters/${id}`}>{text.state.dead}</a> : words}
      </Status>
      {nextSendAt !== null && <span class="quiet"> · {say(text.next, { when: format.value.until(nextSendAt) })}</span>}
      {lastError !== null && (
        <span>
          {' · '}
          <code>{lastError}</code>
        </span>
      )}
    </>
  );
}

/** What follows from an event: documents, e-mails, messages to other teams, and later events. */
export function Caused({ detail: { caused, documents, work } }: { detail: EventDetail }) {
  const { caused: text, subscriptions } = texts.value.events;
  return (
    <section aria-labelledby="caused">
      <h2 id="caused">{text.title}</h2>
      {work.length === 0 && <p class="quiet">{text.noWork}</p>}
      <dl class="facts">
        {work.map((one) => (
          <Fragment key={one.id}>
            <dt>{subscriptions[one.subscription]}</dt>
            <dd>
              <WorkState work={one} />
            </dd>
          </Fragment>
        ))}
        {documents.length > 0 && (
          <>
            <dt>{text.documents}</dt>
            <dd>
              <ul class="plain-list">
                {documents.map(({ view, key }) => (
                  <li key={`${view}/${key}`}>
                    <a href={`/console/read-models/${view}/${key}`}>
                      {view} <code>{key}</code>
                    </a>
                  </li>
                ))}
              </ul>
            </dd>
          </>
        )}
      </dl>
      {caused.length > 0 && (
        <>
          <h3>{text.later}</h3>
          <EventRows caption={text.later} events={caused} />
        </>
      )}
    </section>
  );
}
