import './me.css';
import { texts } from '../../language';
import { ApiKeys } from '../../parts/api-keys';
import { Sessions } from '../../parts/sessions';
import { person } from '../../session';
import { useTitle } from '../../title';
import { CreateKey } from './create-key';
import { Settings } from './settings';

/** What belongs to the person at the console: settings, API keys and sessions. */
export function Me() {
  const text = texts.value.me;
  const { keys, sessions } = texts.value.access;
  const { id, name, email, role } = person.value;
  useTitle(texts.value.sections.me);
  return (
    <>
      <h1>{texts.value.sections.me}</h1>
      <p>
        {text.you} <strong>{name}</strong> ({email}, {texts.value.role[role]}).{' '}
        <a href={`/console/people/${id}`}>{text.account}</a>
      </p>
      <section aria-labelledby="settings">
        <h2 id="settings">{text.settings.title}</h2>
        <Settings />
      </section>
      <section aria-labelledby="keys">
        <h2 id="keys">{keys.title}</h2>
        <p class="quiet">{text.keys.hint}</p>
        <ApiKeys account={id} />
        <CreateKey />
      </section>
      <section aria-labelledby="sessions">
        <h2 id="sessions">{sessions.title}</h2>
        <p class="quiet">{sessions.hint}</p>
        <Sessions account={id} />
      </section>
    </>
  );
}
