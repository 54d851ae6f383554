import { useSignal } from '@preact/signals';
import { api } from '../../api';
import { format, sayCount, texts } from '../../language';
import { useList } from '../../pages';
import { ListTitle } from '../../parts/list-title';
import { Loaded } from '../../parts/loaded';
import { More } from '../../parts/more';
import { useTitle } from '../../title';
import { Decide } from './decide';
import { ErrorName, Explanation } from './explanation';
import { Fact, Facts } from './facts';
import { groupPath, upTo, useGroups } from './groups';
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

function Letters({ failure }: { failure: Failure }) {
  const text = texts.value.deadLetters;
  const list = useLetters(failure);
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  const rows = list.rows ?? [];
  // What was replayed or discarded meanwhile is not chosen any more.
  const ids = rows.map(({ id }) => id).filter((id) => chosen.value.has(id));
  const choose = (next: readonly string[]) => {
    chosen.value = new Set(next);
  };
  return (
    <section aria-labelledby="letters">
      <h2 id="letters">{text.group}</h2>
      <Loaded read={list.read}>
        {() => (
          <>
            <div class="chosen">
              <label class="check">
                <input
                  type="checkbox"
                  checked={rows.length > 0 && ids.length === rows.length}
                  onChange={({ currentTarget }) => choose(currentTarget.checked ? rows.map(({ id }) => id) : [])}
                />{' '}
                {text.letter.chooseAll}
              </label>
              {ids.length > 0 && ids.length <= mostChosen && (
                <Decide
                  failure={failure}
                  selection={{ ids }}
                  count={ids.length}
                  what={ids.join(', ')}
                  labels={{
                    replay: sayCount(text.replay.some, ids.length),
                    discard: sayCount(text.discard.some, ids.length),
                  }}
                />
              )}
              {ids.length > mostChosen && <p role="alert">{text.replay.steps}</p>}
            </div>
            <LetterRows letters={rows} chosen={ids} onChoose={choose} />
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
      <ListTitle>
        <ErrorName error={failure.error} />
      </ListTitle>
      <Loaded read={groups}>
        {({ data }) => {
          const group = data.find((one) => groupPath(one) === groupPath(failure));
          return group ? (
            <>
              <Facts
                failure={failure}
                {...group}
                attempts={upTo(group, group.attempts)}
                replays={upTo(group, group.replays)}
              >
                <Fact name={text.columns.count}>{format.value.number(group.count)}</Fact>
              </Facts>
              <Explanation failure={failure} />
              <Decide
                failure={failure}
                selection={failure}
                count={group.count}
                what={`${text.work[failure.subscription]}: ${failure.error ?? text.noError}`}
                isMain
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
