import { useAction } from '../../act';
import { useAddress } from '../../address';
import { api } from '../../api';
import { sayCount, texts } from '../../language';
import { ActionButton } from '../../parts/action-button';
import { ConfirmedButton } from '../../parts/confirm';
import { type Failure, isReplayRisky, remedyOf } from './remedy';

/** Some dead letters by their ids, or a whole group. */
export type Selection =
  | { ids: string[] }
  | { subscription: Failure['subscription']; error: string | null; fault: Failure['fault'] };

/** The buttons that replay or discard dead letters; the outcome stands in the address then. */
export function Decide({
  failure,
  selection,
  count,
  what,
  labels,
  isMain = false,
}: {
  failure: Failure;
  selection: Selection;
  /** How many dead letters these are. */
  count: number;
  /** Names them, for those who are asked whether to discard them. */
  what: string;
  labels: { replay: string; discard: string };
  isMain?: boolean;
}) {
  const { discard: text, remedies, replay: replayText } = texts.value.deadLetters;
  const { set } = useAddress<'decision'>();
  const letters = api().operations['dead-letters'];
  async function show(response: { json(): Promise<{ decision: number | null }> }) {
    const { decision } = await response.json();
    // Somebody else may have emptied the group, which the list shows then.
    set({ decision: String(decision ?? '') });
    // The screen takes the decision up before everything is read again: nobody asks for a letter that is none any more.
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  }
  const replay = useAction(async () => show(await letters.replay.$post({ json: selection })));
  const discard = useAction(async () => show(await letters.discard.$post({ json: selection })));
  const remedy = remedyOf(failure);
  return (
    <div class="buttons">
      {isReplayRisky(remedy) ? (
        <ConfirmedButton label={labels.replay} title={replayText.question} action={replay}>
          <p>{remedies[remedy].risk}</p>
        </ConfirmedButton>
      ) : (
        <ActionButton label={labels.replay} action={replay} isMain={isMain} />
      )}
      <ConfirmedButton label={labels.discard} title={sayCount(text.question, count)} action={discard}>
        <p>
          <strong>{what}</strong>
        </p>
        <p>{text.lost[failure.subscription]}</p>
        <p>{text.final}</p>
      </ConfirmedButton>
    </div>
  );
}
