import type { Platform } from '../history';
import { modelType } from '../new-events';
import type { LoggedEvent } from './queries';

interface Row extends Record<string, unknown> {
  position: number;
  id: string;
  type: string;
  stream_id: string;
  version: number;
  data: string;
  metadata: string;
}

/** The log between two restores: it begins with the events of the segment before, up to the restored position. */
export interface Segment {
  /** How many events it has in common with the segment before. */
  base: number;
  /** The `EPOCH` of this history: each restore has a new one, which may be deployed later than the restore. */
  epoch: string;
  /** The segment before the restore. */
  before?: Segment;
  events: LoggedEvent[];
  /** The end of the log at real times, in their order. */
  seen: { at: number; position: number }[];
}

/** The event log as the clients have seen it grow. A restore begins a new segment, so the lost events stay known. */
export class ObservedLog {
  readonly segments: Segment[] = [{ base: 0, epoch: '1', events: [], seen: [] }];

  /** The moment of D1 up to which the log was read. */
  #readUntil: number | undefined;

  constructor(readonly platform: Pick<Platform, 'd1' | 'world'>) {}

  get segment(): number {
    return this.segments.length - 1;
  }

  get current(): Segment {
    // There is always a segment, because the list never shrinks.
    return this.segments.at(-1) as Segment;
  }

  /** Reads what is new in the log. Returns the position of its end. */
  observe(): number {
    const { events, seen } = this.current;
    // The clients look after each step of theirs, and most steps change nothing.
    if (this.platform.d1.moment !== this.#readUntil) this.#read(events);
    const last = seen.at(-1);
    const { now } = this.platform.world;
    if (last?.at === now) last.position = events.length;
    else if (last?.position !== events.length) seen.push({ at: now, position: events.length });
    return events.length;
  }

  #read(events: LoggedEvent[]): void {
    this.#readUntil = this.platform.d1.moment;
    const sql = 'SELECT * FROM events WHERE position > ? ORDER BY position';
    for (const row of this.platform.d1.query<Row>(sql, events.length)) {
      const { requestId, commandId, actorId, keyId } = JSON.parse(row.metadata);
      const { position, id, type: recordedType, stream_id: streamId, version } = row;
      const type = modelType(recordedType);
      const event = { position, id, type, recordedType, streamId, version, data: JSON.parse(row.data) };
      events.push({ ...event, requestId, commandId, actorId, keyId });
    }
  }

  restored(position: number): void {
    const events = this.current.events.slice(0, position);
    const epoch = `${this.segments.length + 1}`;
    this.segments.push({ base: position, epoch, before: this.current, events, seen: [] });
    this.#readUntil = undefined;
    this.observe();
  }
}

/** The end of a segment's log at a real time, or an earlier position. */
export function positionAt({ seen, base, before }: Segment, at: number): number {
  const position = seen.findLast((one) => one.at <= at)?.position;
  // The restored state is older than the restore.
  return position ?? (before ? Math.min(base, positionAt(before, at)) : base);
}
