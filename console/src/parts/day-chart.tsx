import { format, texts } from '../language';
import { DataTable } from './data-table';

/** A figure of each day, such as how many tickets were opened. */
export interface Series<Day> {
  title: string;
  value: (day: Day) => number;
  /** The value as people read it; a number without it. */
  show?: (value: number) => string;
}

const height = 100;
const gap = 2;

/** Bars for each day, one series beside the other, and behind them the same figures as a table. */
export function DayChart<Day extends { date: string }>({
  title,
  days,
  series,
}: {
  title: string;
  days: readonly Day[];
  series: readonly Series<Day>[];
}) {
  const most = Math.max(1, ...days.flatMap((day) => series.map(({ value }) => value(day))));
  const slot = 10 * series.length + gap;
  const show = ({ show = format.value.number }: Series<Day>, number: number) => show(number);
  const [first, last] = [days[0], days.at(-1)];
  return (
    <figure class="chart">
      <figcaption>
        {title}
        {series.length > 1 &&
          series.map((one, index) => (
            <span key={one.title} class={`legend series-${index}`}>
              {one.title}
            </span>
          ))}
      </figcaption>
      <svg viewBox={`0 0 ${days.length * slot} ${height}`} preserveAspectRatio="none" role="img" aria-label={title}>
        {days.map((day, at) =>
          series.map((one, index) => {
            const size = (one.value(day) / most) * height;
            return (
              <rect
                key={one.title}
                class={`series-${index}`}
                x={at * slot + index * 10}
                y={height - size}
                width={10 - gap / 2}
                height={size}
              >
                <title>{`${format.value.day(day.date)}: ${show(one, one.value(day))} ${one.title}`}</title>
              </rect>
            );
          }),
        )}
      </svg>
      {first && last && (
        <p class="axis quiet">
          <span>{format.value.day(first.date)}</span>
          <span>{format.value.day(last.date)}</span>
        </p>
      )}
      <details>
        <summary>{texts.value.chart.table}</summary>
        <DataTable
          caption={title}
          columns={[
            { title: texts.value.chart.day, cell: (day: Day) => format.value.day(day.date) },
            ...series.map((one) => ({
              title: one.title,
              isNumber: true,
              cell: (day: Day) => show(one, one.value(day)),
            })),
          ]}
          rows={days.toReversed()}
          keyOf={({ date }) => date}
        />
      </details>
    </figure>
  );
}
