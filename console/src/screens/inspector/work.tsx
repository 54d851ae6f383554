import { format, say, texts } from '../../language';
import type { InspectedKey } from './inspected-key';

function describeClaim(row: InspectedKey['row']): string {
  const text = texts.value.inspector.work;
  const { time } = format.value;
  if (!row?.lastTouchedAt) return text.free;
  if (row.claimedUntil === null) return say(text.last, { time: time(row.lastTouchedAt) });
  return say(text.held, { until: time(row.claimedUntil) });
}

/** What the projector has noted about the document. */
export function Work({ found: { row, floor, otherShapes } }: { found: InspectedKey }) {
  const text = texts.value.inspector.work;
  const facts: [string, string][] = [
    [text.put, row ? say(text.upTo, { position: String(row.position) }) : text.never],
    [text.claim, describeClaim(row)],
    [text.recheck, row?.recheckAt ? say(text.after, { time: format.value.time(row.recheckAt) }) : text.no],
  ];
  if (row?.error) facts.push([text.error, row.error]);
  if (floor > 0) facts.push([text.floor, String(floor)]);
  for (const { shape, position } of otherShapes)
    facts.push([text.shapes, say(text.shape, { shape, position: String(position) })]);
  return (
    <section aria-labelledby="work">
      <h2 id="work">{text.title}</h2>
      <dl class="facts">
        {facts.map(([name, fact]) => (
          <>
            <dt>{name}</dt>
            <dd>{fact}</dd>
          </>
        ))}
      </dl>
    </section>
  );
}
