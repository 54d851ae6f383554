import { useSignal } from '@preact/signals';
import { useAction } from '../../act';
import { api } from '../../api';
import { format, texts as shared } from '../../language';
import { ActionButton } from '../../parts/action-button';
import { ChangedMeanwhile } from '../../parts/changed-meanwhile';
import { ConfirmedButton } from '../../parts/confirm';
import { person } from '../../session';
import { texts as peopleTexts } from '../people/texts';
import { saveAccount } from './export';
import { RoleForm } from './role-form';
import { texts } from './texts';
import type { ManageProps, Profile } from './use-person';

function Activity({ profile: { id, name, isActive }, open: { change } }: ManageProps) {
  const text = texts.value;
  const { deactivate: turnOff, reactivate: turnOn } = api().users[':id'];
  const deactivate = useAction(() => change((headers) => turnOff.$post({ param: { id } }, { headers })));
  const reactivate = useAction(() => change((headers) => turnOn.$post({ param: { id } }, { headers })));
  if (!isActive) return <ActionButton label={text.reactivate} action={reactivate} />;
  return (
    <ConfirmedButton label={text.deactivate} title={text.deactivateQuestion(name)} action={deactivate}>
      <p>{text.deactivateEffect}</p>
    </ConfirmedButton>
  );
}

function Erase({ profile: { id, name, itemCount, orderCount }, open: { change, onDeleted } }: ManageProps) {
  const text = texts.value.erase;
  const { number } = format.value;
  const erase = useAction(async () => {
    const isMade = await change((headers) => api().users[':id'].$delete({ param: { id } }, { headers }));
    if (isMade) onDeleted();
  });
  return (
    <ConfirmedButton label={text.label} title={text.question(name)} action={erase}>
      <p>
        <strong>{text.intro}</strong>
      </p>
      <ul>
        {text.effects(number(itemCount), number(orderCount)).map((effect) => (
          <li key={effect}>{effect}</li>
        ))}
      </ul>
      <p>{text.advice}</p>
    </ConfirmedButton>
  );
}

function Export({ id }: { id: string }) {
  const text = texts.value;
  const isDone = useSignal(false);
  const save = useAction(async () => {
    isDone.value = false;
    await saveAccount(id);
    isDone.value = true;
  });
  return (
    <>
      <ActionButton label={text.export} action={save} />
      <p class="quiet" role="status">
        {isDone.value ? text.exported : text.exportHint}
      </p>
    </>
  );
}

/** What an admin can do with an account. */
export function Manage({ profile, open }: ManageProps) {
  const text = texts.value;
  const { refusedAt } = open;
  const isOwn = profile.id === person.value.id;
  const state = ({ isActive }: Profile) => (isActive ? peopleTexts.value.active : peopleTexts.value.inactive);
  return (
    <section class="manage" aria-labelledby="manage">
      <h2 id="manage">{text.manage}</h2>
      {refusedAt.value && (
        <ChangedMeanwhile
          fields={[
            [peopleTexts.value.columns.name, refusedAt.value.name, profile.name],
            [text.email, refusedAt.value.email, profile.email],
            [text.role, shared.value.role[refusedAt.value.role], shared.value.role[profile.role]],
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
