import { h, render } from 'preact';
import { vi } from 'vitest';

/** Lets a hook run in a component that shows nothing, so that it needs no page. */
export function runHook<Result>(hook: () => Result) {
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => setTimeout(run, 0));
  vi.stubGlobal('cancelAnimationFrame', clearTimeout);
  const place = { nodeType: 1, childNodes: [], firstChild: null } as unknown as HTMLElement;
  let result: Result | undefined;
  function Shown() {
    result = hook();
    return null;
  }
  render(h(Shown, null), place);
  return {
    /** What the hook returned last. */
    get result(): Result {
      if (!result) throw new Error('The hook has returned nothing.');
      return result;
    },
    end: () => render(null, place),
  };
}
