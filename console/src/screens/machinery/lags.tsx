import { api } from '../../api';
import { format, say, texts } from '../../language';
import { DataTable } from '../../parts/data-table';
import { Loaded } from '../../parts/loaded';
import { Status } from '../../parts/status';
import { useRead } from '../../read';
import { slowlyMs } from './slowly';

/** How long events wait for their documents, now and over the last hour; what is late stands first. */
export function Lags() {
  const read = useRead('projections', (headers) => api().operations.projections.$get({}, { headers }), slowlyMs);
  const text = texts.value.machinery.lag;
  const { number } = format.value;
  const seconds = (value: number | null) =>
    value === null ? <span class="quiet">–</span> : say(text.seconds, { value: number(Math.round(value * 10) / 10) });
  return (
    <section aria-labelledby="lag">
      <h2 id="lag">{text.title}</h2>
      <Loaded read={read}>
        {({ data, lagTargetSeconds }) => (
          <>
            <p class="hint">{say(text.hint, { target: number(lagTargetSeconds) })}</p>
            <DataTable
              caption={text.title}
              isSlim
              rows={data.toSorted((one, other) => Number(one.isWithinTarget) - Number(other.isWithinTarget))}
              keyOf={({ view }) => view}
              columns={[
                { title: text.model, cell: ({ view }) => <a href={`/console/read-models/${view}`}>{view}</a> },
                { title: text.now, isNumber: true, cell: ({ lagSeconds }) => seconds(lagSeconds) },
                { title: text.usual, isNumber: true, cell: ({ lagP50Seconds }) => seconds(lagP50Seconds) },
                { title: text.late, isNumber: true, cell: ({ lagP99Seconds }) => seconds(lagP99Seconds) },
                {
                  title: text.state,
                  cell: ({ isWithinTarget }) => (
                    <Status tone={isWithinTarget ? 'good' : 'warn'}>
                      {isWithinTarget ? text.inTime : text.tooLate}
                    </Status>
                  ),
                },
              ]}
            />
          </>
        )}
      </Loaded>
    </section>
  );
}
