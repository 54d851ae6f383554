import '../../parts/filters.css';
import type { useAddress } from '../../address';
import { texts } from '../../language';
import { PersonName } from '../../parts/person-name';
import { PersonSearch } from '../../parts/person-search';
import { person } from '../../session';
import { type EventFilter, logPath } from './links';

/** What the address of the log says. */
export type Address = ReturnType<typeof useAddress<EventFilter>>;

/** What operators ask most often. */
function UsualQuestions({ query }: Pick<Address, 'query'>) {
  const { views: text } = texts.value.events;
  const questions: readonly [title: string, filters: Parameters<typeof logPath>[0]][] = [
    [text.all, {}],
    [text.mine, { actor: person.value.id }],
    [text.letters, { stream: 'dead-letters/all' }],
  ];
  const asked = logPath(query);
  return (
    <nav class="tabs" aria-label={text.label}>
      {questions.map(([title, filters]) => (
        <a key={title} href={logPath(filters)} aria-current={asked === logPath(filters) ? 'page' : undefined}>
          {title}
        </a>
      ))}
    </nav>
  );
}

const fields = ['stream', 'type', 'request', 'command'] as const;

/** Fields for what has a name or a number; the API says what is wrong with one. */
function Fields({ query, set }: Address) {
  const text = texts.value.events;
  function submit(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    set(Object.fromEntries(fields.map((name) => [name, String(form.get(name)).trim()])));
  }
  return (
    <form class="filters log-fields" onSubmit={submit}>
      {fields.map((name) => (
        <label key={name}>
          {text[name]}
          {/* With another filter in the address it begins anew. */}
          <input
            key={query[name]}
            name={name}
            type="search"
            maxLength={name === 'stream' ? 97 : 64}
            defaultValue={query[name]}
            pattern={name === 'stream' ? '[A-Za-z\\-]+/[\\w\\-]+' : undefined}
            title={name === 'stream' ? text.streamHint : undefined}
            placeholder={name === 'stream' ? text.streamHint : undefined}
            autocomplete="off"
          />
        </label>
      ))}
      <button type="submit" class="beside-field">
        {text.show}
      </button>
    </form>
  );
}

/** Who acted: a person, or a program with an API key. */
function Who({ query: { actor, key }, set }: Address) {
  const text = texts.value.events;
  if (!actor && !key) return <PersonSearch label={text.person} onPick={({ id }) => set({ actor: id })} />;
  return (
    <p>
      {actor && (
        <>
          {text.person}{' '}
          <strong>
            <PersonName id={actor} />
          </strong>{' '}
        </>
      )}
      {key && (
        <>
          {text.key} <code>{key}</code>{' '}
        </>
      )}
      <button type="button" onClick={() => set({ actor: '', key: '' })}>
        {text.everybody}
      </button>
    </p>
  );
}

/** The filters of the log; they can be combined. */
export function Filters(address: Address) {
  return (
    <>
      <UsualQuestions query={address.query} />
      <search class="log-filters" aria-label={texts.value.events.filters}>
        <Fields {...address} />
        <Who {...address} />
      </search>
    </>
  );
}
