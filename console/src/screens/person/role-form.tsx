import { useSignal } from '@preact/signals';
import { useAction } from '../../act';
import { api } from '../../api';
import { texts } from '../../language';
import { ProblemNotice } from '../../parts/problem';
import type { ManageProps, Profile } from './use-person';

/** Gives the account another role, and says what the chosen one may do. */
export function RoleForm({ profile: { id, role }, open: { change } }: ManageProps) {
  const text = texts.value.person;
  const chosen = useSignal<Profile['role'] | undefined>(undefined);
  const isDone = useSignal(false);
  const { isRunning, error, run } = useAction(async (next: Profile['role']) => {
    const isMade = await change((headers) =>
      api().users[':id'].role.$post({ param: { id }, json: { role: next } }, { headers }),
    );
    // A refused choice stays.
    if (isMade) chosen.value = undefined;
    isDone.value = isMade;
  });
  const next = chosen.value ?? role;
  function submit(event: SubmitEvent) {
    event.preventDefault();
    void run(next);
  }
  return (
    <form class="role" onSubmit={submit}>
      <label>
        {text.role}
        <select
          value={next}
          aria-describedby="rights"
          onChange={({ currentTarget }) => {
            chosen.value = currentTarget.value as Profile['role'];
            isDone.value = false;
          }}
        >
          {(['customer', 'agent', 'admin'] as const).map((one) => (
            <option key={one} value={one}>
              {texts.value.role[one]}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" disabled={next === role || isRunning.value}>
        {text.changeRole}
      </button>
      <p class="hint" id="rights">
        {text.rights[next]}
      </p>
      <p role="status">{isDone.value && text.roleDone}</p>
      <ProblemNotice error={error.value} />
    </form>
  );
}
