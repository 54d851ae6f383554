import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';

// What wrangler says about itself. Where a new version words it differently, it appears again, and nothing else is lost.
const noise = [
  /^\[wrangler:info\]/,
  /^⎔ (Starting|Connection)/,
  /^Using secrets defined in/,
  /^❓ Your types might be/,
];
// What the schedule logs each minute: that it found nothing to do, and the figures, which `npm run ops -- metrics` prints.
// With several Workers each line begins with the name of one.
const idle = [/^(?:\[[\w-]+\] )?[\d:]{8}Z [\w.-]+(?: \w+=0)+$/, /^(?:\[[\w-]+\] )?[\d:]{8}Z figures /];
/** Blocks of several lines, each from a line that matches `from` to a line that matches `to`. */
const noisyBlocks = [
  { from: / has access to the following bindings/, to: /^\s*$/ },
  { from: /Scheduled Workers are not automatically triggered/, to: /^\s*For more details/ },
];

/** Makes a filter that says of each line in turn whether it is worth reading. */
export function createNoiseFilter(): (line: string) => boolean {
  let block: (typeof noisyBlocks)[number] | undefined;
  // An empty line after another one separates nothing.
  let isAfterEmpty = true;
  return (coloured) => {
    const line = stripVTControlCharacters(coloured);
    const started = block ?? noisyBlocks.find(({ from }) => from.test(line));
    const isNoise = started !== undefined || [...noise, ...idle].some((pattern) => pattern.test(line));
    const isEmpty = line.trim() === '';
    const isKept = !isNoise && !(isEmpty && isAfterEmpty);
    block = started?.to.test(line) ? undefined : started;
    if (isKept) isAfterEmpty = isEmpty;
    return isKept;
  };
}

/** Prints the lines of a stream that are worth reading, and passes them on. */
export function printWithoutNoise(stream: Readable, onPrinted: (line: string) => void): void {
  const isKept = createNoiseFilter();
  createInterface({ input: stream }).on('line', (line) => {
    if (!isKept(line)) return;
    console.log(line);
    onPrinted(line);
  });
}
