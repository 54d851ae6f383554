import { useAction } from '../act';
import { format, say, texts } from '../language';
import type { List } from '../pages';
import { ProblemNotice } from './problem';

/** How many rows a list has, and the button for its next page. */
export function More({ list }: { list: Pick<List<unknown>, 'more' | 'total'> }) {
  const next = useAction(async () => list.more?.());
  const text = texts.value.table;
  return (
    <p class="more">
      {list.total !== undefined && (
        <span class="quiet">{say(text.total, { count: format.value.number(list.total) })}</span>
      )}
      {list.more && (
        <button type="button" disabled={next.isRunning.value} onClick={() => void next.run()}>
          {text.more}
        </button>
      )}
      <ProblemNotice error={next.error.value} />
    </p>
  );
}
