import './dead-letters.css';
import { useAddress } from '../../address';
import { texts } from '../../language';
import { ListTitle } from '../../parts/list-title';
import { useTitle } from '../../title';
import { OneGroup } from './group';
import { Groups } from './groups';
import { NamedOutcome } from './outcome';
import type { Failure } from './remedy';

type Query = Partial<Record<'subscription' | 'error' | 'fault' | 'decision', string>>;

/** The group that the address names; undefined if it names none. An empty error stands for letters without one. */
function groupOf({ subscription, error, fault }: Query): Failure | undefined {
  if (error === undefined || !subscription) return undefined;
  return {
    subscription: subscription as Failure['subscription'],
    error: error || null,
    fault: fault === 'recipient' ? fault : 'system',
  };
}

function AllGroups({ query: { subscription, decision } }: { query: Query }) {
  const title = texts.value.sections.deadLetters;
  useTitle(title);
  return (
    <>
      <ListTitle>{title}</ListTitle>
      <p class="quiet">{texts.value.deadLetters.hint}</p>
      <NamedOutcome decision={decision} />
      <Groups subscription={subscription} />
    </>
  );
}

/** The dead letters by subscription and error, or the group that the address names. */
export function DeadLetters() {
  const { query } = useAddress<keyof Query>();
  const group = groupOf(query);
  if (!group) return <AllGroups query={query} />;
  return (
    <>
      <p class="title">
        <a href="/console/dead-letters">← {texts.value.deadLetters.back}</a>
      </p>
      <NamedOutcome decision={query.decision} />
      <OneGroup key={JSON.stringify(group)} failure={group} />
    </>
  );
}
