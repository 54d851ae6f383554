import { api } from '../../api';
import { now } from '../../clock';
import { format, say, sayCount, texts } from '../../language';
import { Ago } from '../../parts/ago';
import { DataTable } from '../../parts/data-table';
import { Loaded } from '../../parts/loaded';
import { Status } from '../../parts/status';
import { useRead } from '../../read';
import { slowlyMs } from './slowly';

interface Task {
  task: string;
  cron: string;
  startedAt: string;
  durationMs: number;
  outcome: 'done' | 'failed';
  error: string | null;
  succeededAt: string | null;
}

/** How many seconds lie between two runs of the schedules that are known here. */
const seconds: Readonly<Record<string, number | undefined>> = { '* * * * *': 60, '0 * * * *': 3600 };
/** So many runs may be missing before a schedule counts as late: a run can be long, or the platform busy. */
const missing = 3;

function StateOfSchedule({ cron, tasks }: { cron: string; tasks: readonly Task[] }) {
  const text = texts.value.machinery.schedule;
  const failed = tasks.filter(({ outcome }) => outcome === 'failed').length;
  const last = Math.max(...tasks.map(({ startedAt }) => Date.parse(startedAt)));
  const every = seconds[cron];
  if (every !== undefined && now.value - last > missing * every * 1000)
    return <Status tone="bad">{text.isLate}</Status>;
  if (failed > 0) return <Status tone="bad">{sayCount(text.failed, failed)}</Status>;
  return <Status tone="good">{sayCount(text.allDone, tasks.length)}</Status>;
}

function Outcome({ outcome, error, succeededAt }: Task) {
  const text = texts.value.machinery.schedule;
  if (outcome === 'done') return <Status tone="good">{text.done}</Status>;
  return (
    <>
      <Status tone="bad">{error ?? text.hasFailed}</Status>{' '}
      {succeededAt === null ? (
        text.never
      ) : (
        <>
          {text.succeeded} <Ago time={succeededAt} />
        </>
      )}
    </>
  );
}

function Tasks({ tasks }: { tasks: readonly Task[] }) {
  const text = texts.value.machinery.schedule;
  return (
    <DataTable
      caption={text.tasks}
      rows={tasks}
      keyOf={({ task }) => task}
      columns={[
        { title: text.task, cell: ({ task }) => task },
        { title: text.ran, cell: ({ startedAt }) => <Ago time={startedAt} /> },
        {
          title: text.took,
          isNumber: true,
          cell: ({ durationMs }) => say(text.ms, { ms: format.value.number(durationMs) }),
        },
        { title: text.outcome, cell: (task) => <Outcome {...task} /> },
      ]}
    />
  );
}

/** The last run of each schedule, the tasks that failed in it, and behind that all tasks. */
export function Schedules() {
  const read = useRead('schedule', (headers) => api().operations.schedule.$get({}, { headers }), slowlyMs);
  const text = texts.value.machinery.schedule;
  const names: Readonly<Record<string, string | undefined>> = text.names;
  return (
    <section aria-labelledby="schedule">
      <h2 id="schedule">{text.title}</h2>
      <Loaded read={read}>
        {({ data }) => {
          const failed = data.filter(({ outcome }) => outcome === 'failed');
          return (
            <>
              <DataTable
                caption={text.title}
                isSlim
                rows={[...Map.groupBy(data, ({ cron }) => cron)]}
                keyOf={([cron]) => cron}
                columns={[
                  { title: text.schedule, cell: ([cron]) => names[cron] ?? cron },
                  { title: text.ran, cell: ([, [first]]) => first && <Ago time={first.startedAt} /> },
                  { title: text.outcome, cell: ([cron, tasks]) => <StateOfSchedule cron={cron} tasks={tasks} /> },
                ]}
              />
              {failed.length > 0 && <Tasks tasks={failed} />}
              <details>
                <summary>{text.tasks}</summary>
                <Tasks tasks={data} />
              </details>
            </>
          );
        }}
      </Loaded>
    </section>
  );
}
