import { isOnline, now } from '../clock';
import { format, texts } from '../language';
import { refreshAll, shownReads } from '../read';

/** Says how old the oldest data of the screen is, and whether it contains what the person has done. */
export function Freshness() {
  const text = texts.value.freshness;
  const reads = shownReads.value;
  if (reads.length === 0) return null;
  const oldest = Math.min(...reads.map(({ asOf }) => asOf.value ?? Number.POSITIVE_INFINITY));
  const isFailing = reads.some(({ error }) => error.value !== undefined);
  const seconds = Math.max(0, (now.value - oldest) / 1000);
  function describe() {
    if (!isOnline.value) return text.offline;
    if (isFailing) return text.failing;
    if (!Number.isFinite(oldest)) return text.loading;
    return seconds < 2 ? text.now : text.old(format.value.ago(seconds));
  }
  return (
    <p class={isFailing || !isOnline.value ? 'freshness late' : 'freshness'}>
      {describe()}
      {reads.every(({ isOwn }) => isOwn.value) && <span class="own"> · {text.own}</span>}
      <button
        type="button"
        class="plain"
        onClick={() => void refreshAll()}
        title={text.refresh}
        aria-label={text.refresh}
      >
        ↻
      </button>
    </p>
  );
}
