import { format, say, texts } from '../../language';
import { Actor } from './actor';
import { isEmpty, lettersOf, logPath, subjectsOf } from './links';
import type { LogEvent } from './rows';

/** Characters of content that are shown at once. */
const mostOpen = 2_000;

/** The dead letters that an operator's event names. */
function Letters({ letters, decision }: { letters: readonly string[]; decision: number }) {
  const text = texts.value.events;
  return (
    <>
      <dt>{text.letters}</dt>
      <dd>
        <a href={`/console/dead-letters?decision=${decision}`}>{text.outcome}</a>
        <ul class="plain-list">
          {letters.map((id) => (
            <li key={id}>
              <a href={`/console/dead-letters/${id}`}>{id}</a>
            </li>
          ))}
        </ul>
      </dd>
    </>
  );
}

function Content({ data }: Pick<LogEvent, 'data'>) {
  const text = texts.value.events;
  if (data === null) return <p>{text.unreadable}</p>;
  if (isEmpty(data)) return <p class="quiet">{text.noContent}</p>;
  const json = JSON.stringify(data, null, 2);
  const shown = <pre class="content">{json}</pre>;
  if (json.length < mostOpen) return shown;
  return (
    <details>
      <summary>{text.all}</summary>
      {shown}
    </details>
  );
}

/** Everything that the log knows of an event; each value is a link to what has it in common. */
export function EventFacts({ event }: { event: LogEvent }) {
  const text = texts.value.events;
  const { commandId, keyId, requestId, streamId, streamType, traceparent } = event;
  const subjects = subjectsOf(event);
  const letters = lettersOf(event.data);
  return (
    <>
      <dl class="facts">
        <dt>{text.occurred}</dt>
        <dd>
          <time dateTime={event.occurredAt}>{format.value.time(event.occurredAt)}</time>
        </dd>
        <dt>{text.columns.who}</dt>
        <dd>
          <Actor event={event} />
        </dd>
        {keyId !== null && (
          <>
            <dt>{text.key}</dt>
            <dd>
              <a href={logPath({ key: keyId })}>
                <code>{keyId}</code>
              </a>
            </dd>
          </>
        )}
        <dt>{text.stream}</dt>
        <dd>
          <a href={logPath({ stream: `${streamType}/${streamId}` })}>
            {streamType} <code>{streamId}</code>
          </a>
          <span class="quiet"> {say(text.version, { version: format.value.number(event.version) })}</span>
        </dd>
        {subjects.length > 0 && (
          <>
            <dt>{text.things}</dt>
            <dd class="things">
              {subjects.map(([subject, path]) => (
                <a key={path} href={path}>
                  {text.thing[subject]}
                </a>
              ))}
            </dd>
          </>
        )}
        {commandId !== null && (
          <>
            <dt>{text.command}</dt>
            <dd>
              <a href={logPath({ command: commandId })}>
                <code>{commandId}</code>
              </a>
            </dd>
          </>
        )}
        {requestId !== null && (
          <>
            <dt>{text.request}</dt>
            <dd>
              <a href={logPath({ request: requestId })}>
                <code>{requestId}</code>
              </a>
            </dd>
          </>
        )}
        {traceparent !== null && (
          <>
            <dt>{text.trace}</dt>
            <dd>
              <code>{traceparent}</code>
            </dd>
          </>
        )}
        <dt>{text.shape}</dt>
        <dd>{say(text.version, { version: format.value.number(event.schemaVersion) })}</dd>
        {letters.length > 0 && <Letters letters={letters} decision={event.version} />}
      </dl>
      <h2>{text.content}</h2>
      <Content data={event.data} />
    </>
  );
}
