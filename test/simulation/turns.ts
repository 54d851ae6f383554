/** How many turns are asked for at once. */
const turnsAtOnce = 32;
let asked = 0;
const waiting: (() => void)[] = [];

/** Lets go on whoever waits for this turn; turns that nobody needs any more do nothing. */
function runTurn(): void {
  asked--;
  for (const resolve of waiting.splice(0)) resolve();
}

/**
 * Resolves when every promise waits for something else. A turn of Node's event loop takes longer than most steps of a history,
 * so one turn runs many immediates: Node runs all promises, and looks for rejections that nobody handles, before each of them.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (asked > 0) return;
    for (; asked < turnsAtOnce; asked++) setImmediate(runTurn);
  });
}
