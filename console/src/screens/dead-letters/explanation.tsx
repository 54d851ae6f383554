import { texts } from '../../language';
import { type Failure, remedyOf } from './remedy';

/** What a dead letter means, and what to do about it. */
export function Explanation({ failure }: { failure: Failure }) {
  const { remedies, remedy } = texts.value.deadLetters;
  const { means, todo } = remedies[remedyOf(failure)];
  return (
    <section class="panel explanation" aria-labelledby="remedy">
      <h2 id="remedy">{remedy}</h2>
      <p>{means}</p>
      <p>{todo}</p>
    </section>
  );
}

/** The error of dead letters. */
export function ErrorName({ error }: { error: string | null }) {
  return error === null ? <span>{texts.value.deadLetters.noError}</span> : <code class="error">{error}</code>;
}
