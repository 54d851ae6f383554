import '../../parts/person-search.css';
import './people.css';
import { useId } from 'preact/hooks';
import { useAddress } from '../../address';
import { texts } from '../../language';
import { ListTitle } from '../../parts/list-title';
import { isAdmin } from '../../session';
import { useTitle } from '../../title';
import { Erasures } from './erasures';
import { Found, Newest } from './lists';

function Search({ search, onSearch }: { search: string; onSearch: (search: string) => void }) {
  const text = texts.value.people;
  const id = useId();
  function submit(event: SubmitEvent) {
    event.preventDefault();
    onSearch(String(new FormData(event.currentTarget as HTMLFormElement).get('search')).trim());
  }
  return (
    <search class="person-search find">
      <form onSubmit={submit}>
        <label for={id}>{text.label}</label>
        <div class="with-button">
          {/* With another search in the address it begins anew. */}
          <input
            key={search}
            id={id}
            name="search"
            type="search"
            minLength={2}
            maxLength={254}
            defaultValue={search}
            placeholder={texts.value.findPeople.beginning}
            autocomplete="off"
            aria-describedby={`${id}-hint`}
          />
          <button type="submit">{texts.value.findPeople.find}</button>
        </div>
      </form>
      <p class="hint" id={`${id}-hint`}>
        {text.hint}
      </p>
    </search>
  );
}

/** Everybody who has an account: found by a search, or else the newest. */
export function People() {
  const { query, set } = useAddress<'search'>();
  const { search = '' } = query;
  useTitle(texts.value.sections.people);
  return (
    <>
      <ListTitle>{texts.value.sections.people}</ListTitle>
      <Search search={search} onSearch={(search) => set({ search })} />
      {isAdmin.value && <Erasures />}
      {search === '' ? <Newest /> : <Found search={search} />}
    </>
  );
}
