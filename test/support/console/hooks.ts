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
  const draw = () => render(h(Shown, null), place);
  draw();
  return {
    /** Draws the component again, as a screen does when something else is wanted. */
    draw,
    /** What the hook returned last. */
    get result(): Result {
      if (!result) throw new Error('The hook has returned nothing.');
      return result;
    },
    end: () => render(null, place),
  };
}
