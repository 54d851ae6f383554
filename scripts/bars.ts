// Figures as bars of block characters, for a terminal of 80 columns without colours.
import { oneLine } from './printable';

export interface Bar {
  label: string;
  value: number;
  /** What stands behind the bar, such as the value with its unit; the value itself without it. */
  text?: string;
}

const columns = 80;
const longestLabel = 32;
/** An eighth of a column, two eighths, and so on. */
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** A bar of so many columns, to the eighth of one; what is more than nothing is visible. */
function draw(length: number): string {
  const parts = length > 0 ? Math.max(1, Math.round(length * 8)) : 0;
  return '█'.repeat(Math.floor(parts / 8)) + eighths[parts % 8];
}

const lettersOf = (text: string) => [...text].length;

function shorten(text: string): string {
  const letters = [...oneLine(text)];
  return letters.length > longestLabel ? `${letters.slice(0, longestLabel - 1).join('')}…` : letters.join('');
}

/** Draws bars below a title. The longest one, which stands for the largest value, fills the line. */
export function formatBars(title: string, bars: readonly Bar[]): string {
  const rows = bars.map(({ label, value, text }) => ({ label: shorten(label), value, text: text ?? `${value}` }));
  const labelWidth = Math.max(0, ...rows.map((row) => lettersOf(row.label)));
  const textWidth = Math.max(0, ...rows.map((row) => lettersOf(row.text)));
  const largest = Math.max(1, ...rows.map(({ value }) => value));
  // Two columns on the left, and two between each two parts.
  const room = columns - labelWidth - textWidth - 6;
  const lines = rows.map(({ label, value, text }) => {
    const space = ' '.repeat(labelWidth - lettersOf(label) + 2);
    const bar = draw((room * value) / largest);
    return `  ${label}${space}${bar}${bar && '  '}${text}`;
  });
  return [title, ...(lines.length === 0 ? ['  nothing yet'] : lines)].join('\n');
}
