import type { InferResponseType } from 'hono/client';
import { api } from '../../api';
import { sayCount, texts } from '../../language';
import { Loaded } from '../../parts/loaded';
import { Status, type Tone } from '../../parts/status';
import { isMissing, useRead } from '../../read';
import { eventPath } from '../events/rows';

type Decision = InferResponseType<ReturnType<typeof api>['operations']['dead-letter-decisions'][':decision']['$get']>;
type State = keyof Decision['counts'];

/** The order in which people want to know. */
const states: readonly State[] = ['waiting', 'dead', 'done', 'discarded', 'unknown'];
const tones: Readonly<Record<State, Tone>> = {
  waiting: 'warn',
  dead: 'bad',
  done: 'good',
  discarded: 'quiet',
  unknown: 'quiet',
};

function Counts({ counts, action }: Decision) {
  const text = texts.value.deadLetters.outcome;
  if (action === 'discarded') return null;
  const sentences = { ...text, discarded: text.later };
  return (
    <ul>
      {states
        .filter((state) => counts[state] > 0)
        .map((state) => (
          <li key={state}>
            <Status tone={tones[state]}>{sayCount(sentences[state], counts[state])}</Status>
          </li>
        ))}
    </ul>
  );
}

function Letters({ data }: Pick<Decision, 'data'>) {
  const text = texts.value.deadLetters.outcome;
  return (
    <details>
      <summary>{text.each}</summary>
      <ul>
        {data.map(({ id, state, lastError }) => (
          <li key={id}>
            <a href={state === 'dead' ? `/console/dead-letters/${id}` : eventPath(Number.parseInt(id, 10))}>{id}</a>{' '}
            <Status tone={tones[state]}>{text.state[state]}</Status> {lastError !== null && <code>{lastError}</code>}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Result({ decision }: { decision: Decision }) {
  const text = texts.value.deadLetters.outcome;
  const { action, counts, data, event } = decision;
  return (
    <>
      <p>
        {sayCount(text[action], data.length)}
        {' · '}
        <a href={eventPath(event.position)}>{text.who}</a>
      </p>
      {counts.waiting > 0 && data.length > 1 && (
        <progress aria-label={text.title} max={data.length} value={data.length - counts.waiting} />
      )}
      <Counts {...decision} />
      <Letters data={data} />
    </>
  );
}

/** Reads what became of the dead letters of a decision, again and again. */
export const useDecision = (decision: string) =>
  useRead(
    `decision ${decision}`,
    (headers) => api().operations['dead-letter-decisions'][':decision'].$get({ param: { decision } }, { headers }),
    2_000,
  );

/** What became of the dead letters that were replayed or discarded together. */
export function Outcome({ read }: { read: ReturnType<typeof useDecision> }) {
  const text = texts.value.deadLetters.outcome;
  return (
    <section class="panel outcome" role="status" aria-label={text.title}>
      {isMissing(read.error.value) ? (
        <p>{text.missing}</p>
      ) : (
        <Loaded read={read}>{(found) => <Result decision={found} />}</Loaded>
      )}
    </section>
  );
}

function OutcomeOf({ decision }: { decision: string }) {
  return <Outcome read={useDecision(decision)} />;
}

/** The outcome of the decision that the address names, if it names one. */
export function NamedOutcome({ decision }: { decision: string | undefined }) {
  return decision ? <OutcomeOf key={decision} decision={decision} /> : null;
}
