import type { ViewLag } from '../cqrs/reading/projection-lags';

/**
 * How many events of the last hour the p99 needs. Among fewer of them one slow event would be the p99, and so a quiet hour
 * would be beyond the target because of it; among a hundred, two have to be slow.
 */
const enoughEvents = 100;

/**
 * The read model that was the furthest beyond the target in the last hour; undefined if each was within it.
 * @param target seconds, `LAG_TARGET_SECONDS`
 */
export function findSlowest(lags: readonly ViewLag[], target: number): ViewLag | undefined {
  return lags
    .filter(({ events, p99Seconds }) => events >= enoughEvents && p99Seconds > target)
    .sort((one, other) => other.p99Seconds - one.p99Seconds)[0];
}
