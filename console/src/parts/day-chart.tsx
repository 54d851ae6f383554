import { format, say, texts } from '../language';
import { DataTable } from './data-table';

/** A figure of each day, such as how many tickets were opened. */
export interface Series<Day> {
  title: string;
  value: (day: Day) => number;
  /** The value as people read it; a number without it. */
  show?: (value: number) => string;
}

const height = 100;
const gap = 3;
const width = 10;

/** Bars for each day, one series beside the other, and behind them the same figures as a table. */
export function DayChart<Day extends { date: string }>({
  title,
  days,
  series,
  others = [],
}: {
  title: string;
  days: readonly Day[];
  series: readonly Series<Day>[];
  /** Figures that only the table has, and what a pointer on the day shows. */
  others?: readonly Series<Day>[];
}) {
  const most = Math.max(0, ...days.flatMap((day) => series.map(({ value }) => value(day))));
  const slot = width * series.length + gap;
  const show = ({ value, show = format.value.number }: Series<Day>, day: Day) => show(value(day));
  const [first, last] = [days[0], days.at(-1)];
  const text = texts.value.chart;
  const all = [...series, ...others];
  return (
    <figure class="chart">
      <figcaption>
        <span>{title}</span>
        {series.length > 1 &&
          series.map((one, index) => (
            <span key={one.title} class={`legend series-${index}`}>
              <span>{one.title}</span>
            </span>
          ))}
        {series[0] && (
          <span class="most">{say(text.most, { most: (series[0].show ?? format.value.number)(most) })}</span>
        )}
      </figcaption>
      <svg viewBox={`0 0 ${days.length * slot} ${height}`} preserveAspectRatio="none" role="img" aria-label={title}>
        {days.map((day, at) => (
          <g key={day.date}>
            <title>
              {[format.value.day(day.date), ...all.map((one) => `${one.title}: ${show(one, day)}`)].join('\n')}
            </title>
            <rect class="day" x={at * slot} width={slot} height={height} />
            {series.map((one, index) => {
              const size = (one.value(day) / Math.max(1, most)) * height;
              return (
                <rect
                  key={one.title}
                  class={`series-${index}`}
                  x={at * slot + gap / 2 + index * width}
                  y={height - size}
                  width={width}
                  height={size}
                />
              );
            })}
          </g>
        ))}
      </svg>
      {first && last && (
        <p class="axis quiet">
          <span>{format.value.day(first.date)}</span>
          <span>{format.value.day(last.date)}</span>
        </p>
      )}
      <details>
        <summary>{text.table}</summary>
        <DataTable
          caption={title}
          columns={[
            { title: text.day, cell: (day: Day) => format.value.day(day.date) },
            ...all.map((one) => ({ title: one.title, isNumber: true, cell: (day: Day) => show(one, day) })),
          ]}
          isSlim
          rows={days.toReversed()}
          keyOf={({ date }) => date}
        />
      </details>
    </figure>
  );
}
