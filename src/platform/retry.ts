import type { Wait } from './clock';

/** How the pauses between tries grow: the first one at most `firstMs`, each next one twice as long, up to `longestMs`. */
export interface Pauses {
  firstMs: number;
  longestMs: number;
}

/**
 * The pause after a try that failed; `attempt` starts at 1. The upper half of each pause is random, so that callers that
 * failed together do not come back together.
 */
export function backoffMs(attempt: number, { firstMs, longestMs }: Pauses, random: () => number = Math.random): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** (attempt - 1));
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}

/** Runs work again after a failure that can pass, with growing pauses. @throws the error of the last try */
export async function retry<Result>(
  run: () => Promise<Result>,
  options: { tries: number; pauses: Pauses; wait: Wait; mayPass(error: unknown): boolean },
): Promise<Result> {
  const { mayPass, pauses, tries, wait } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt >= tries || !mayPass(error)) throw error;
      await wait(backoffMs(attempt, pauses));
    }
  }
}

/** What `Retry-After` tells the clients of a request that failed because the platform did: between two and five seconds. */
export function retryAfterSeconds(random: () => number = Math.random): number {
  return 2 + Math.floor(random() * 4);
}
