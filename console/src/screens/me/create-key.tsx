import './me.css';
import { useSignal } from '@preact/signals';
import { useId, useRef } from 'preact/hooks';
import { useAction } from '../../act';
import { api } from '../../api';
import { time } from '../../clock';
import { say, texts } from '../../language';
import { ProblemNotice } from '../../parts/problem';
import { isAdmin } from '../../session';
import { Created, type CreatedKey } from './created-key';

/** What keys may do, by area: the names of the scopes are `area:right`. Of those after the first four only admins can use any. */
const areas = [
  ['items', 'read', 'write'],
  ['orders', 'read', 'write'],
  ['tickets', 'read', 'write'],
  ['users', 'read', 'write'],
  ['operations', 'read', 'write'],
  ['events', 'read'],
  ['exports', 'read'],
] as const;
const forEverybody = 4;

type Scope = Parameters<ReturnType<typeof api>['api-keys']['$post']>[0]['json']['scopes'][number];

const days = [7, 30, 90, 365];
const dayMs = 86_400_000;

function Scopes({ isMissing }: { isMissing: boolean }) {
  const { keys: text, areas: names } = texts.value.me;
  const id = useId();
  return (
    <fieldset aria-describedby={isMissing ? id : undefined}>
      <legend>{text.may}</legend>
      {areas.slice(0, isAdmin.value ? undefined : forEverybody).map(([area, ...rights]) => (
        <fieldset key={area} class="area">
          <legend>{{ ...texts.value.sections, ...names }[area]}</legend>
          {rights.map((right) => (
            <label key={right} class="check">
              <input type="checkbox" name="scopes" value={`${area}:${right}`} /> {text[right]}
            </label>
          ))}
        </fieldset>
      ))}
      {isMissing && (
        <p id={id} class="problem" role="alert">
          {text.none}
        </p>
      )}
    </fieldset>
  );
}

/** The form for a new API key, and then the key, which is shown once. */
export function CreateKey() {
  const text = texts.value.me.keys;
  const isOpen = useSignal(false);
  const isMissing = useSignal(false);
  const created = useSignal<CreatedKey | undefined>(undefined);
  const isBack = useRef(false);
  /** Who has stored a key goes on where they began. */
  function takeFocus(summary: HTMLElement | null) {
    if (isBack.current) summary?.focus();
    isBack.current = false;
  }
  const create = useAction(async (name: string, scopes: Scope[], daysLeft: number) => {
    const expiresAt = daysLeft > 0 ? new Date(time() + daysLeft * dayMs).toISOString() : undefined;
    const { key } = await (await api()['api-keys'].$post({ json: { name, scopes, expiresAt } })).json();
    created.value = { name, key };
    isOpen.value = false;
  });
  function submit(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const scopes = form.getAll('scopes') as Scope[];
    isMissing.value = scopes.length === 0;
    if (scopes.length > 0) void create.run(String(form.get('name')).trim(), scopes, Number(form.get('days')));
  }
  if (created.value) {
    const forget = () => {
      created.value = undefined;
      isBack.current = true;
    };
    return <Created created={created.value} onStored={forget} />;
  }
  return (
    <details
      class="panel"
      open={isOpen.value}
      onToggle={({ currentTarget }) => {
        isOpen.value = currentTarget.open;
      }}
    >
      <summary ref={takeFocus}>{text.create}</summary>
      <form class="stacked" onSubmit={submit}>
        <label>
          {text.name}
          <input name="name" required maxLength={100} placeholder={text.example} autocomplete="off" />
        </label>
        <Scopes isMissing={isMissing.value} />
        <label>
          {text.ends}
          <select name="days">
            <option value="">{text.whenRevoked}</option>
            {days.map((count) => (
              <option key={count} value={count}>
                {say(text.inDays, { days: String(count) })}
              </option>
            ))}
          </select>
        </label>
        <p class="buttons">
          <button type="submit" disabled={create.isRunning.value}>
            {text.submit}
          </button>
        </p>
        <ProblemNotice error={create.error.value} />
      </form>
    </details>
  );
}
