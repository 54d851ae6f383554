import { useRef } from 'preact/hooks';
import { api } from '../../api';
import { format, say, texts } from '../../language';
import { Ago } from '../../parts/ago';
import { Loaded } from '../../parts/loaded';
import { useRead } from '../../read';

const everyMs = 2_000;

/**
 * For an account that does not exist: how far the erasure of a deleted one is.
 * @param wasShown whether the account was there before, on this screen
 */
export function Gone({ id, wasShown }: { id: string; wasShown: boolean }) {
  const read = useRead('erasures', (headers) => api().operations.erasures.$get({}, { headers }), everyMs);
  const wasErasing = useRef(wasShown);
  const text = texts.value.person.erasing;
  return (
    <Loaded read={read}>
      {({ data }) => {
        const erasure = data.find(({ userId }) => userId === id);
        if (!erasure) return <p role="status">{wasErasing.current ? text.done : texts.value.person.missing}</p>;
        wasErasing.current = true;
        const { rows, rowsLeft, progressedAt, lastError, attempts } = erasure;
        const { number } = format.value;
        const total = rows + rowsLeft;
        return (
          <section aria-labelledby="erasing">
            <h2 id="erasing">{text.title}</h2>
            <p>{text.text}</p>
            <progress aria-label={text.bar} value={rows} max={Math.max(1, total)} />
            <p role="status">{say(text.rows, { count: number(rows), total: number(total) })}</p>
            <p class="quiet">
              {text.progress} <Ago time={progressedAt} />
            </p>
            {attempts > 0 && lastError !== null && <p class="problem">{say(text.failing, { error: lastError })}</p>}
          </section>
        );
      }}
    </Loaded>
  );
}
