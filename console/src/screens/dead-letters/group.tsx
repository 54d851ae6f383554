import { useSignal } from '@preact/signals';
import { api } from '../../api';
import { format, sayCount, texts } from '../../language';
import { useList } from '../../pages';
import { Ago } from '../../parts/ago';
import { Loaded } from '../../parts/loaded';
import { More } from '../../parts/more';
import { useTitle } from '../../title';
import { Decide } from './decide';
import { ErrorName, Explanation } from './explanation';
import { type Group, groupPath, useGroups } from './groups';
import { LetterRows } from './letters';
import type { Failure } from './remedy';

/** How many can be chosen at once. */
const mostChosen = 100;

/** The dead letters of a group; the API cannot be asked for those without an error. */
function useLetters({ subscription, error, fault }: Failure) {
  const query = { subscription, fault, error: error ?? undefined };
  const list = useList(`dead letters ${JSON.stringify([subscription, error, fault])}`, (cursor, headers) =>
    api().operations['dead-letters'].$get({ query: { ...query, cursor } }, { headers }),
  );
  return { ...list, rows: list.rows?.filter(({ lastError }) => lastError === error) };
}

function Facts({ group }: { group: Group }) {
  const { columns, fault, work } = texts.value.deadLetters;
  const { number } = format.value;
  const { firstFailedAt: first, lastFailedAt: last } = group;
  const facts: readonly (readonly [string, preact.ComponentChildren])[] = [
    [columns.work, work[group.subscription]],
    [columns.fault, fault[group.fault]],
    [columns.count, number(group.count)],
    [columns.first, first && <Ago time={first} />],
    [columns.last, last && <Ago time={last} />],
    [columns.attempts, number(group.attempts)],
    [columns.replays, number(group.replays)],
  ];
  return (
    <dl class="group-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Letters({ failure }: { failure: Failure }) {
  const text = texts.value.deadLetters;
  const list = useLetters(failure);
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  const rows = list.rows ?? [];
  // What was replayed or discarded meanwhile is not chosen any more.
  const ids = rows.map(({ id }) => id).filter((id) => chosen.value.has(id));
  return (
    <section aria-labelledby="letters">
      <h2 id="letters">{text.group}</h2>
      <Loaded read={list.read}>
        {() => (
          <>
            <LetterRows
              letters={rows}
              chosen={ids}
              onChoose={(next) => {
                chosen.value = new Set(next);
              }}
            />
            {ids.length > 0 && ids.length <= mostChosen && (
              <Decide
                failure={failure}
                selection={{ ids }}
                count={ids.length}
                labels={{
                  replay: sayCount(text.replay.some, ids.length),
                  discard: sayCount(text.discard.some, ids.length),
                }}
              />
            )}
            {ids.length > mostChosen && <p role="alert">{text.replay.steps}</p>}
          </>
        )}
      </Loaded>
      <More list={list} />
    </section>
  );
}

/** A group of dead letters with the same subscription, error and fault. */
export function OneGroup({ failure }: { failure: Failure }) {
  const text = texts.value.deadLetters;
  const groups = useGroups();
  useTitle(failure.error ?? text.noError);
  return (
    <>
      <h1>
        <ErrorName error={failure.error} />
      </h1>
      <Loaded read={groups}>
        {({ data }) => {
          const group = data.find((one) => groupPath(one) === groupPath(failure));
          return group ? (
            <>
              <Facts group={group} />
              <Explanation failure={failure} />
              <Decide
                failure={failure}
                selection={failure}
                count={group.count}
                labels={{ replay: text.replay.group, discard: text.discard.group }}
              />
              {group.count > 500 && <p class="quiet">{text.replay.steps}</p>}
              <Letters failure={failure} />
            </>
          ) : (
            <p>{text.gone}</p>
          );
        }}
      </Loaded>
    </>
  );
}
