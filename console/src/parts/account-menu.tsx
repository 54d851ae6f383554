import { useAction } from '../act';
import { texts } from '../language';
import { end, person } from '../session';
import { ProblemNotice } from './problem';

/** Who is signed in, and behind that the way to their settings and out. */
export function AccountMenu() {
  const signOut = useAction(end);
  const { name, email, role } = person.value;
  return (
    <>
      <button type="button" class="person" popovertarget="account">
        <span class="hidden">{texts.value.account}:</span>
        {name} <span class="quiet">{texts.value.role[role]}</span>
      </button>
      <div id="account" class="account-menu" popover="auto">
        <p>
          <strong>{name}</strong>
          <br />
          <span class="quiet">{email}</span>
        </p>
        <p>
          <a href="/console/me">{texts.value.sections.me}</a>
        </p>
        <button type="button" disabled={signOut.isRunning.value} onClick={() => void signOut.run()}>
          {texts.value.signOut}
        </button>
        <ProblemNotice error={signOut.error.value} />
      </div>
    </>
  );
}
