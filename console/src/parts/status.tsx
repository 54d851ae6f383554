import type { ComponentChildren } from 'preact';

/** How a word is meant: a sign stands before it too, because colours alone say nothing to many people. */
export type Tone = 'good' | 'warn' | 'bad' | 'quiet';

const signs: Readonly<Record<Tone, string>> = { good: '●', warn: '▲', bad: '■', quiet: '○' };

/** A word for a state, such as the status of an order. */
export function Status({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`status ${tone}`}>
      <span aria-hidden="true">{signs[tone]}&nbsp;</span>
      {children}
    </span>
  );
}
