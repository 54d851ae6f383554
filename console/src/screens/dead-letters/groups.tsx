import type { InferResponseType } from 'hono/client';
import { api } from '../../api';
import { format, say, texts } from '../../language';
import { Ago } from '../../parts/ago';
import { DataTable } from '../../parts/data-table';
import { FilterLinks } from '../../parts/filter-links';
import { Loaded } from '../../parts/loaded';
import { Status } from '../../parts/status';
import { useRead } from '../../read';
import { ErrorName } from './explanation';
import type { Failure } from './remedy';

export type Group = InferResponseType<
  ReturnType<typeof api>['operations']['dead-letters']['groups']['$get']
>['data'][number];

/** The groups of all dead letters. */
export const useGroups = () =>
  useRead('dead-letter groups', (headers) => api().operations['dead-letters'].groups.$get({}, { headers }));

/** The address of a group; letters without an error have an empty one. */
export function groupPath({ subscription, error, fault }: Failure): string {
  return `/console/dead-letters?${new URLSearchParams({ subscription, error: error ?? '', fault })}`;
}

/** The most that one letter of a group has. */
export function upTo({ count }: Pick<Group, 'count'>, most: number): string {
  const shown = format.value.number(most);
  return count > 1 && most > 0 ? say(texts.value.deadLetters.upTo, { count: shown }) : shown;
}

const subscriptions = ['projections', 'emails', 'events'] as const;

function Rows({ groups }: { groups: readonly Group[] }) {
  const { columns, fault: faults, list, work } = texts.value.deadLetters;
  const { number } = format.value;
  const time = (value: string | null) => value !== null && <Ago time={value} />;
  return (
    <DataTable
      caption={list}
      rows={groups}
      keyOf={groupPath}
      columns={[
        {
          title: columns.error,
          cell: (group) => (
            <div class="error-group">
              <a href={groupPath(group)}>
                <ErrorName error={group.error} />
              </a>
              <div>
                {work[group.subscription]}{' '}
                <Status tone={group.fault === 'system' ? 'bad' : 'quiet'}>{faults[group.fault]}</Status>
              </div>
            </div>
          ),
        },
        { title: columns.count, isNumber: true, cell: ({ count }) => number(count) },
        { title: columns.first, cell: ({ firstFailedAt }) => time(firstFailedAt) },
        { title: columns.last, cell: ({ lastFailedAt }) => time(lastFailedAt) },
        { title: columns.attempts, isNumber: true, cell: (group) => upTo(group, group.attempts) },
        { title: columns.replays, isNumber: true, cell: (group) => upTo(group, group.replays) },
      ]}
    />
  );
}

/** All groups, or those of one subscription. */
export function Groups({ subscription = '' }: { subscription: string | undefined }) {
  const read = useGroups();
  const text = texts.value.deadLetters;
  return (
    <Loaded read={read}>
      {({ data, isComplete }) => {
        const countOf = (name: string) =>
          data.reduce((sum, group) => (name === '' || group.subscription === name ? sum + group.count : sum), 0);
        const shown = data.filter((group) => subscription === '' || group.subscription === subscription);
        return (
          <>
            <FilterLinks
              label={text.filter}
              name="subscription"
              query={{ subscription }}
              links={[
                ['', text.all, countOf('')],
                ...subscriptions.map((name) => [name, text.work[name], countOf(name)] as const),
              ]}
            />
            {!isComplete && <p class="quiet">{text.partial}</p>}
            {shown.length === 0 ? (
              <p>
                <Status tone="good">{data.length === 0 ? text.none : text.noneOf}</Status>
              </p>
            ) : (
              <Rows groups={shown} />
            )}
          </>
        );
      }}
    </Loaded>
  );
}
