import './person-search.css';
import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { useAction } from '../act';
import { api } from '../api';
import { sayCount, texts } from '../language';
import { learnName } from '../people';
import { ProblemNotice } from './problem';

/** An account that a search has found. */
export interface FoundPerson {
  id: string;
  name: string;
  email: string;
  role: 'customer' | 'agent' | 'admin';
  isActive: boolean;
}

/** Searches people, and lets one of them be picked. Each search is in the audit trail, so it waits for the button. */
export function PersonSearch({
  label,
  isWanted = () => true,
  onPick,
}: {
  label: string;
  isWanted?: (found: FoundPerson) => boolean;
  onPick: (found: FoundPerson) => void;
}) {
  const text = texts.value.findPeople;
  const id = useId();
  const found = useSignal<FoundPerson[] | undefined>(undefined);
  const search = useAction(async (search: string) => {
    const { data } = await (await api().users.$get({ query: { search } })).json();
    // Rows of a search have the address; those of the list have not.
    found.value = data.filter((row) => 'email' in row).filter(isWanted);
    for (const { id, name } of found.value) learnName(id, name);
  });
  function submit(event: SubmitEvent) {
    event.preventDefault();
    void search.run(String(new FormData(event.currentTarget as HTMLFormElement).get('search')));
  }
  function pick(one: FoundPerson) {
    found.value = undefined;
    onPick(one);
  }
  return (
    <search class="person-search">
      <form onSubmit={submit}>
        <label for={id}>{label}</label>
        <div class="with-button">
          <input
            id={id}
            name="search"
            type="search"
            required
            minLength={2}
            maxLength={254}
            placeholder={text.beginning}
            autocomplete="off"
          />
          <button type="submit" disabled={search.isRunning.value}>
            {text.find}
          </button>
        </div>
      </form>
      <p class="quiet" role="status">
        {found.value && (found.value.length > 0 ? sayCount(text.found, found.value.length) : text.nobody)}
      </p>
      {found.value && (
        <ul class="found">
          {found.value.map((one) => (
            <li key={one.id}>
              <button type="button" class="plain" onClick={() => pick(one)}>
                <strong>{one.name}</strong>{' '}
                <span class="quiet">
                  {one.email} · {texts.value.role[one.role]}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <ProblemNotice error={search.error.value} />
    </search>
  );
}
