import { useSignal } from '@preact/signals';
import { useAction } from '../../act';
import { api } from '../../api';
import { format, say, texts } from '../../language';
import { ActionButton } from '../../parts/action-button';
import { ChangedMeanwhile } from '../../parts/changed-meanwhile';
import { ConfirmedButton } from '../../parts/confirm';
import { person } from '../../session';
import { saveAccount } from './export';
import { RoleForm } from './role-form';
import type { ManageProps, Profile } from './use-person';

function Activity({ profile: { id, name, isActive }, open: { change } }: ManageProps) {
  const text = texts.value.person;
  const { deactivate: turnOff, reactivate: turnOn } = api().users[':id'];
  const deactivate = useAction(() => change((headers) => turnOff.$post({ param: { id } }, { headers })));
  const reactivate = useAction(() => change((headers) => turnOn.$post({ param: { id } }, { headers })));
  if (!isActive) return <ActionButton label={text.reactivate} action={reactivate} />;
  return (
    <ConfirmedButton label={text.deactivate} title={say(text.deactivateQuestion, { name })} action={deactivate}>
      <p>{text.deactivateEffect}</p>
    </ConfirmedButton>
  );
}

function Erase({ profile: { id, name, itemCount, orderCount }, open: { change, onDeleted } }: ManageProps) {
  const text = texts.value.person.erase;
  const { number } = format.value;
  const counts = { items: number(itemCount), orders: number(orderCount) };
  const erase = useAction(async () => {
    const isMade = await change((headers) => api().users[':id'].$delete({ param: { id } }, { headers }));
    if (isMade) onDeleted();
  });
  return (
    <ConfirmedButton label={text.label} title={say(text.question, { name })} action={erase}>
      <p>
        <strong>{text.intro}</strong>
      </p>
      <ul>
        {text.effects.map((effect) => (
          <li key={effect}>{say<string>(effect, counts)}</li>
        ))}
      </ul>
      <p>{text.advice}</p>
    </ConfirmedButton>
  );
}

function Export({ id }: { id: string }) {
  const text = texts.value.person;
  const isDone = useSignal(false);
  const save = useAction(async () => {
    isDone.value = false;
    await saveAccount(id);
    isDone.value = true;
  });
  return (
    <>
      <ActionButton label={text.export} action={save} />
      <p class="hint" role="status">
        {isDone.value ? text.exported : text.exportHint}
      </p>
    </>
  );
}

/** What an admin can do with an account. */
export function Manage({ profile, open }: ManageProps) {
  const text = texts.value.person;
  const { refusedAt } = open;
  const isOwn = profile.id === person.value.id;
  const state = ({ isActive }: Profile) => (isActive ? texts.value.people.active : texts.value.people.inactive);
  return (
    <section class="panel manage" aria-labelledby="manage">
      <h2 id="manage">{text.manage}</h2>
      {refusedAt.value && (
        <ChangedMeanwhile
          fields={[
            [texts.value.people.columns.name, refusedAt.value.name, profile.name],
            [text.email, refusedAt.value.email, profile.email],
            [text.role, texts.value.role[refusedAt.value.role], texts.value.role[profile.role]],
            [text.state, state(refusedAt.value), state(profile)],
          ]}
          onNoted={() => {
            refusedAt.value = undefined;
          }}
        >
          {text.refused}
        </ChangedMeanwhile>
      )}
      {isOwn ? <p class="quiet">{text.own}</p> : <RoleForm profile={profile} open={open} />}
      <Export id={profile.id} />
      {!isOwn && (
        <div class="buttons">
          <Activity profile={profile} open={open} />
          <Erase profile={profile} open={open} />
        </div>
      )}
    </section>
  );
}
