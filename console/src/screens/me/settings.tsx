import { ProblemError } from '@frontdesk/client';
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useAction } from '../../act';
import { api } from '../../api';
import { texts, useLanguageOf } from '../../language';
import { keepDraft } from '../../newer-version';
import { ChangedMeanwhile } from '../../parts/changed-meanwhile';
import { Loaded } from '../../parts/loaded';
import { ProblemNotice } from '../../parts/problem';
import { useRead } from '../../read';
import { person } from '../../session';
import { ifMatch } from '../../tag';
import { Fields, nameOf, type Values } from './settings-fields';

/** The settings of the person: those that the API has, and above them what was chosen and is not saved. */
function useSettings() {
  const { id } = person.value;
  const read = useRead(`settings ${id}`, (headers) => api().users[':id'].settings.$get({ param: { id } }, { headers }));
  const typed = useSignal<Partial<Values>>({});
  const refusedAt = useSignal<Values | undefined>(undefined);
  const isDone = useSignal(false);
  // They can change elsewhere too.
  useSignalEffect(() => {
    // Without a network the language stays; the next visit to the console takes the new one.
    if (read.data.value) useLanguageOf(read.data.value).catch(() => undefined);
  });
  const isTyped = Object.keys(typed.value).length > 0;
  useEffect(() => (isTyped ? keepDraft() : undefined), [isTyped]);
  const save = useAction(async () => {
    const { value: before } = read.data;
    refusedAt.value = undefined;
    isDone.value = false;
    const headers = ifMatch(read);
    try {
      await api().users[':id'].settings.$patch({ param: { id }, json: typed.value }, { headers });
      await read.refresh();
      typed.value = {};
      isDone.value = true;
    } catch (error) {
      if (!(error instanceof ProblemError) || error.status !== 412) throw error;
      refusedAt.value = before;
    }
  });
  function choose(changes: Partial<Values>) {
    typed.value = { ...typed.value, ...changes };
    isDone.value = false;
  }
  return { read, typed, refusedAt, isDone, isTyped, save, choose };
}

/** How the person wants to read, and whether they get e-mails. It takes effect at once. */
export function Settings() {
  const { read, typed, refusedAt, isDone, isTyped, save, choose } = useSettings();
  const text = texts.value.me.settings;
  const onOff = (is: boolean) => (is ? text.on : text.off);
  function submit(event: SubmitEvent) {
    event.preventDefault();
    void save.run();
  }
  return (
    <Loaded read={read}>
      {(saved) => (
        <form class="stacked settings" onSubmit={submit}>
          <Fields values={{ ...saved, ...typed.value }} choose={choose} />
          {refusedAt.value && (
            <ChangedMeanwhile
              fields={[
                [text.language, nameOf(refusedAt.value.locale), nameOf(saved.locale)],
                [text.timezone, refusedAt.value.timezone, saved.timezone],
                [text.emails, onOff(refusedAt.value.emailNotifications), onOff(saved.emailNotifications)],
              ]}
              onNoted={() => {
                refusedAt.value = undefined;
              }}
            >
              {text.refused}
            </ChangedMeanwhile>
          )}
          <p class="buttons">
            <button type="submit" disabled={!isTyped || save.isRunning.value}>
              {text.save}
            </button>
            <span role="status">{isDone.value && text.done}</span>
          </p>
          <ProblemNotice error={save.error.value} />
        </form>
      )}
    </Loaded>
  );
}
