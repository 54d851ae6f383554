import { texts } from '../../language';
import { PersonName } from '../../parts/person-name';
import { logPath } from './links';
import type { LogEvent } from './rows';

/** Who caused an event; the link leads to everything that they did. */
export function Actor({ event: { actorId, keyId } }: { event: LogEvent }) {
  const text = texts.value.events;
  if (actorId === null) return <span class="quiet">{text.nobody}</span>;
  return (
    <>
      <a href={logPath({ actor: actorId })}>
        <PersonName id={actorId} />
      </a>
      {keyId !== null && <span class="quiet"> {text.withKey}</span>}
    </>
  );
}
