import type { ComponentChildren } from 'preact';
import { texts } from '../../language';
import { Ago } from '../../parts/ago';
import type { Failure } from './remedy';

/** A fact with its name above it. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** What is known of a dead letter, or of a group of them. */
export function Facts({
  failure: { subscription, fault },
  firstFailedAt,
  lastFailedAt,
  attempts,
  replays,
  children,
}: {
  failure: Failure;
  firstFailedAt: string | null;
  lastFailedAt: string | null;
  attempts: ComponentChildren;
  replays: ComponentChildren;
  children: ComponentChildren;
}) {
  const { columns: text, fault: faults, work } = texts.value.deadLetters;
  return (
    <dl class="glance">
      <Fact name={text.work}>
        {work[subscription]}, {faults[fault]}
      </Fact>
      {firstFailedAt && (
        <Fact name={text.first}>
          <Ago time={firstFailedAt} />
        </Fact>
      )}
      {lastFailedAt && (
        <Fact name={text.last}>
          <Ago time={lastFailedAt} />
        </Fact>
      )}
      <Fact name={text.attempts}>{attempts}</Fact>
      <Fact name={text.replays}>{replays}</Fact>
      {children}
    </dl>
  );
}
