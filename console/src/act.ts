import { type Signal, useSignal } from '@preact/signals';
import { holdFocus } from './focus';
import { refreshAll } from './read';

/** A command that a person can send from a screen. */
export interface Action<Input extends unknown[]> {
  readonly isRunning: Signal<boolean>;
  /** Why the last try failed. */
  readonly error: Signal<unknown>;
  /** Sends the command, and then reads its effect. Resolves to whether it succeeded. */
  run(...input: Input): Promise<boolean>;
}

/** Makes an action of a request; while it runs, another run does nothing. The focus stays where it was, or close to it. */
export function useAction<Input extends unknown[]>(send: (...input: Input) => Promise<unknown>): Action<Input> {
  const isRunning = useSignal(false);
  const error = useSignal<unknown>(undefined);
  return {
    isRunning,
    error,
    async run(...input) {
      if (isRunning.value) return false;
      const giveFocusBack = holdFocus();
      isRunning.value = true;
      error.value = undefined;
      try {
        await send(...input);
        await refreshAll();
        return true;
      } catch (problem) {
        error.value = problem;
        return false;
      } finally {
        isRunning.value = false;
        giveFocusBack();
      }
    },
  };
}
