import type { Action } from '../act';
import { ProblemNotice } from './problem';

/** A button that sends a command; why it failed stands below it. */
export function ActionButton({
  label,
  action,
  isMain = false,
}: {
  label: string;
  action: Action<[]>;
  isMain?: boolean;
}) {
  return (
    <>
      <button
        type="button"
        class={isMain ? 'primary' : undefined}
        disabled={action.isRunning.value}
        onClick={() => void action.run()}
      >
        {label}
      </button>
      <ProblemNotice error={action.error.value} />
    </>
  );
}
