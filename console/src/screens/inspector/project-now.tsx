import { useSignal } from '@preact/signals';
import { useAction } from '../../act';
import { api } from '../../api';
import { say, texts } from '../../language';
import { ProblemNotice } from '../../parts/problem';
import type { InspectedKey } from './inspected-key';

/** A request to project it: its id in the event log, and how the document was before. */
interface Requested {
  id: string;
  before: string;
  position: number;
}

/** Up to which event the newest copy was made. */
const positionOf = ({ row }: InspectedKey) => row?.position ?? 0;

/** What the request has led to, by what is known of the document since. */
function Effect({ found, state, requested }: { found: InspectedKey; state: string; requested: Requested }) {
  const { effect, noEffect, requested: link } = texts.value.inspector;
  const { id, before, position } = requested;
  const isDone = positionOf(found) > position || found.verdict.code === 'no-such-document';
  return (
    <>
      {say<string>(isDone ? effect : noEffect, { before, after: state })}{' '}
      <a href={`/console/events?stream=projection-request/${id}`}>{link}</a>
    </>
  );
}

/** The button that makes the copy anew, and what it has led to. */
export function ProjectNow({ found, state, isHeld }: { found: InspectedKey; state: string; isHeld: boolean }) {
  const { view, key, isSame } = found;
  const text = texts.value.inspector;
  const requested = useSignal<Requested | undefined>(undefined);
  const project = useAction(async () => {
    const { project: now } = api().operations.projections[':view'].keys[':key'];
    const { id } = await (await now.$post({ param: { view, key } })).json();
    requested.value = { id, before: state, position: positionOf(found) };
  });
  const { isRunning, error } = project;
  return (
    <>
      <p class="buttons">
        <button
          type="button"
          class={isSame || isHeld ? undefined : 'primary'}
          disabled={isRunning.value}
          onClick={() => void project.run()}
        >
          {text.now}
        </button>
        <span class="quiet">{isHeld ? text.heldHint : text.nowHint}</span>
      </p>
      <p role="status">
        {isRunning.value
          ? text.working
          : requested.value && <Effect found={found} state={state} requested={requested.value} />}
      </p>
      <ProblemNotice error={error.value} />
    </>
  );
}
