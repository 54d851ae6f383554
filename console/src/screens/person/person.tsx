import './person.css';
import { useSignal, useSignalEffect } from '@preact/signals';
import { useRoute } from 'preact-iso';
import { texts } from '../../language';
import { ApiKeys } from '../../parts/api-keys';
import { Loaded } from '../../parts/loaded';
import { Sessions } from '../../parts/sessions';
import { isMissing } from '../../read';
import { isAdmin } from '../../session';
import { useTitle } from '../../title';
import { Orders, Tickets } from '../ticket/beside';
import { Gone } from './gone';
import { Manage } from './manage';
import { ProfileFacts } from './profile';
import { type OpenPerson, type Profile, usePerson } from './use-person';

/** Who and what can act for the account. */
function Access({ id }: { id: string }) {
  const { keys, sessions } = texts.value.access;
  return (
    <>
      <section aria-labelledby="sessions">
        <h2 id="sessions">{sessions.title}</h2>
        <Sessions account={id} />
      </section>
      <section aria-labelledby="keys">
        <h2 id="keys">{keys.title}</h2>
        <ApiKeys account={id} />
      </section>
    </>
  );
}

function Content({ profile, open }: { profile: Profile; open: OpenPerson }) {
  const { id, name } = profile;
  return (
    <div class="one-person">
      <h1>{name}</h1>
      <div class="account">
        <ProfileFacts profile={profile} />
        {isAdmin.value && <Manage profile={profile} open={open} />}
        {isAdmin.value && <Access id={id} />}
      </div>
      <div class="theirs">
        <Orders customer={id} />
        <p>
          <a href={`/console/orders?customer=${id}`}>{texts.value.person.allOrders}</a>
        </p>
        <Tickets customer={id} title={texts.value.person.tickets} />
      </div>
    </div>
  );
}

/** What became of an account that is not there: it was deleted on this screen, or it was not there before. */
type Absence = 'deleted' | 'missing';

function Existing({ id, onAbsent }: { id: string; onAbsent: (absence: Absence) => void }) {
  const open = usePerson(id, () => onAbsent('deleted'));
  const { data, error } = open.read;
  useTitle(data.value?.name);
  useSignalEffect(() => {
    if (isMissing(error.value)) onAbsent(data.value ? 'deleted' : 'missing');
  });
  return <Loaded read={open.read}>{(profile) => <Content profile={profile} open={open} />}</Loaded>;
}

function PersonOf({ id }: { id: string }) {
  const text = texts.value.person;
  const absence = useSignal<Absence | undefined>(undefined);
  // What is absent is not read again every few seconds.
  const become = (next: Absence) => {
    absence.value = next;
  };
  return (
    <>
      <p class="title">
        <a href="/console/people">← {text.back}</a>
      </p>
      {absence.value === undefined ? (
        <Existing id={id} onAbsent={become} />
      ) : (
        <>
          <h1>{texts.value.sections.people}</h1>
          {isAdmin.value ? <Gone id={id} wasShown={absence.value === 'deleted'} /> : <p role="alert">{text.missing}</p>}
        </>
      )}
    </>
  );
}

/** An account: its person, what an admin can do with it, and what they have with the shop. */
export function Person() {
  const { id = '' } = useRoute().params;
  // Another account has its own choices and refusals.
  return <PersonOf key={id} id={id} />;
}
