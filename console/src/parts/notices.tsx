import { isOnline } from '../clock';
import { texts } from '../language';
import { hasNewerVersion } from '../newer-version';

/** What is about the console itself: that there is no network, or a newer version. */
export function Notices() {
  return (
    <div class="notices" role="status">
      {!isOnline.value && <p class="offline">{texts.value.offline}</p>}
      {hasNewerVersion.value && (
        <p>
          {texts.value.newer}{' '}
          <button type="button" onClick={() => location.reload()}>
            {texts.value.reload}
          </button>
        </p>
      )}
    </div>
  );
}
