import { pacing } from '../../src/cqrs/reading/projection-steps';
import type { Model, Move } from './search';
import type { PutOutcome, Row, Steps, Version } from './steps';

/** A put that has begun. It lands within `left` milliseconds, or never. */
interface Flight {
  /** The version of the document; 0 for a removal. */
  value: number;
  left: number;
}

/** One run of the projector for an event, or for a recheck (event 0). Times are milliseconds from now. */
interface Consumer {
  version: Version;
  phase: 'requested' | 'claimed' | 'putting' | 'decided';
  event: number;
  /** The first event of its batch; its own is the last. */
  since: number;
  /** When the consumer requested the claim. */
  at: number;
  asOf: number;
  isClaimed: boolean;
  /** Whether the claim in the row is this consumer's. */
  holds: boolean;
  flight: Flight | null;
  hasLanded: boolean;
  outcome: PutOutcome;
}

export interface State {
  versions: number;
  pending: readonly number[];
  row: Row | null;
  /** The version of the document in KV; 0 without a document. */
  kv: number;
  /** Puts whose consumer has died, or has received a failure. */
  flights: readonly Flight[];
  consumers: readonly Consumer[];
  /** How many consumers have died, or have received an unclear failure of a put that could still land. */
  faults: number;
  /** How many consumers have begun. */
  runs: number;
}

/** How far the search goes. What has no bound may happen any number of times. */
export interface Bounds {
  versions: number;
  /** Consumers at the same time. */
  consumers: number;
  /** Deaths of consumers, and unclear failures of puts that may still land. */
  faults?: number;
  /** Runs of consumers that may overlap; the runs after them happen one after the other. */
  runs?: number;
  /** Whether consumers of a newer version, which does not know the document's shape, run as well. */
  isMixed?: boolean;
  /** How long the document rests after a put, in milliseconds; then consumers also receive several events together. */
  restMs?: number;
}

const second = 1000;
const flightMs = pacing.putMs + pacing.recheckMs;
/** D1 carries out a request within this time, or the runtime has ended the consumer. */
const requestMs = pacing.claimMs + pacing.recheckMs;
/** The runtime has ended every consumer after this time, so times that are longer ago are equal for the search. */
const longAgoMs = -requestMs - pacing.recheckMs;

/** How long a time must be over before the search takes it for long ago. */
const marginMs = pacing.putMs;

const start: State = { versions: 0, pending: [], row: null, kv: 0, flights: [], consumers: [], faults: 0, runs: 0 };

/** Whether the relay selects the key now. It does not look for claims that ran out: another try of their events must do. */
function isToBeRechecked(row: Row | null): boolean {
  return row !== null && row.recheckAt !== null && row.recheckAt <= 0;
}

/** A claim that ran out after all events were done is no work: nobody projects the key before the next event. */
function hasNoWorkLeft({ pending, row, flights, consumers }: State): boolean {
  const isConfirmed =
    !row || (row.recheckAt === null && (row.claim === null || (row.claim === 'abandoned' && row.until <= 0)));
  return pending.length === 0 && isConfirmed && flights.length === 0 && consumers.length === 0;
}

/** The row after a consumer has ended: if the consumer holds the claim, no one can confirm the claim any more. */
function abandon(row: Row | null, { holds }: Consumer): Row | null {
  return row && holds && row.claim === 'held' ? { ...row, claim: 'abandoned' } : row;
}

/** Without the pause between two puts more can happen, and the search relies on no order of puts in KV. */
function withoutPause(row: Row | null): Row | null {
  return row && row.claim === null ? { ...row, until: Math.min(row.until, 0) } : row;
}

/** The state after another consumer has taken over the claim: its owner can confirm nothing, but its put may still land. */
function loseClaim({ consumers, flights, ...state }: State): State {
  const begun = consumers.filter(({ phase }) => phase === 'putting');
  return {
    ...state,
    flights: [...flights, ...begun.flatMap(({ flight }) => flight ?? [])],
    consumers: consumers.map((one) =>
      one.phase === 'putting'
        ? { ...one, phase: 'decided', outcome: 'none', holds: false, flight: null, hasLanded: false }
        : { ...one, holds: false },
    ),
  };
}

/** The state without the consumers that can change nothing any more. */
function withoutIdle(state: State): State {
  const isIdle = ({ phase, event, since, isClaimed, holds }: Consumer) =>
    phase === 'decided' &&
    !(isClaimed && holds) &&
    !state.pending.some((pending) => pending >= since && pending <= event);
  if (!state.consumers.some(isIdle)) return state;
  return { ...state, consumers: state.consumers.filter((one) => !isIdle(one)) };
}

/**
 * The state with one time for all times of the row that every consumer finds to be over: the order of two moments never
 * changes, and a consumer that begins later finds them over as well. A time that is over for less than
 * `marginMs` stays as it is.
 */
function withoutPast(state: State, { restMs = 0 }: Bounds): State {
  const { row, consumers } = state;
  if (!row) return state;
  const over = Math.min(0, ...consumers.map(({ at }) => at)) - marginMs;
  const until = row.until + restMs <= over ? longAgoMs : row.until;
  const recheckAt = row.recheckAt !== null && row.recheckAt <= over ? longAgoMs : row.recheckAt;
  return until === row.until && recheckAt === row.recheckAt ? state : { ...state, row: { ...row, until, recheckAt } };
}

function without(state: State, index: number): State {
  return { ...state, consumers: state.consumers.filter((_, at) => at !== index) };
}

function withConsumer(state: State, index: number, change: Partial<Consumer>): State {
  return { ...state, consumers: state.consumers.map((one, at) => (at === index ? { ...one, ...change } : one)) };
}

/** Moves the clock to the next moment at which any condition changes. */
function pass(state: State, { restMs = 0 }: Bounds): Move<State> | undefined {
  const { row, flights, consumers } = state;
  const moments = [
    row?.until,
    row && row.until + restMs,
    row?.recheckAt,
    ...flights.map(({ left }) => left),
    ...consumers.flatMap(({ phase, at, flight }) => [
      flight?.left,
      phase === 'claimed' ? at + pacing.claimMs - pacing.putMs : undefined,
      phase === 'decided' ? undefined : at + pacing.claimMs,
      phase === 'requested' ? at + requestMs : undefined,
    ]),
  ].filter((moment) => typeof moment === 'number' && moment > 0) as number[];
  if (moments.length === 0) return undefined;
  const ms = Math.min(...moments);
  const later = (moment: number) => Math.max(moment - ms, longAgoMs);
  const fly = (flight: Flight | null) => (flight && flight.left > ms ? { ...flight, left: flight.left - ms } : null);
  const next = {
    ...state,
    row: row && { ...row, until: later(row.until), recheckAt: row.recheckAt === null ? null : later(row.recheckAt) },
    flights: flights.map(fly).filter((flight) => flight !== null),
    consumers: consumers
      .map((one) => ({ ...one, at: later(one.at), flight: fly(one.flight) }))
      .filter(({ phase, at }) => at > (phase === 'requested' ? -requestMs : longAgoMs)),
  };
  return { name: `${ms / second} s pass`, next };
}

function nameOf({ event, since, version }: Pick<Consumer, 'event' | 'since' | 'version'>): string {
  const events = since === event ? `event ${event}` : `the events ${since} to ${event}`;
  const name = event === 0 ? 'the relay' : `a consumer of ${events}`;
  return version === 'newer' ? `${name} in the newer version` : name;
}

function documentOf(value: number): string {
  return value === 0 ? 'no document' : `version ${value}`;
}

/** Only what can still make a difference: without anything to confirm, the time of the request makes none. */
function consumerKey(consumer: Consumer): string {
  const { version, phase, at, asOf, isClaimed, holds, flight, hasLanded, outcome, since } = consumer;
  const batch = since === consumer.event ? consumer.event : `${since}-${consumer.event}`;
  const event = version === 'newer' ? `${batch}n` : batch;
  if (phase === 'requested') return `r${event},${at / second}`;
  const place = flight ? flight.left / second : hasLanded ? 'landed' : '';
  if (phase !== 'decided') return `${phase[0]}${event},${at / second},${asOf},${holds},${place}`;
  const isConfirmed = isClaimed && holds;
  return isConfirmed && outcome === 'put' ? `d${event},${at / second},${asOf}` : `d${event},${isConfirmed && outcome}`;
}

/** The projector's protocol for one document: everything that can happen, in every order. */
export function createProtocol(steps: Steps, bounds: Bounds): Model<State> {
  async function movesOf(state: State, index: number): Promise<Move<State>[]> {
    const one = state.consumers[index];
    if (!one) return [];
    const moves: Move<State>[] = [];
    const add = (name: string, next: State) => moves.push({ name, next });
    const flights = one.flight ? [...state.flights, one.flight] : state.flights;
    const faults = bounds.faults === undefined ? 0 : state.faults + 1;
    const mayFail = bounds.faults === undefined || faults <= bounds.faults;
    const who = `${nameOf(one)} (begun ${Math.abs(one.at / second)} s ago)`;
    // A death in another phase leads to a state that is reached without it.
    if (mayFail && (one.phase === 'claimed' || one.phase === 'putting'))
      add(`${who} dies`, { ...without(state, index), row: abandon(state.row, one), flights, faults });
    if (one.phase === 'requested') {
      const { row, isClaimed, asOf } = await steps.claim(state.row, state.versions, one.event, one.at, one.version);
      const others = isClaimed ? loseClaim(state) : state;
      const change: Partial<Consumer> = isClaimed
        ? { phase: 'claimed', isClaimed, asOf, holds: true }
        : { phase: 'decided', asOf, outcome: 'none' };
      add(isClaimed ? `${who} wins the claim at version ${asOf}` : `${who} does not win the claim`, {
        ...withConsumer(others, index, change),
        row,
      });
    } else if (one.phase === 'claimed') {
      if (await steps.begins(one.at, one.asOf)) {
        const flight = { value: one.version === 'newer' ? 0 : one.asOf, left: flightMs };
        add(
          `${who} begins to put ${documentOf(flight.value)}`,
          withConsumer(state, index, { phase: 'putting', flight }),
        );
      } else {
        // The projector counts a put that its deadline prevented as refused, because nothing was sent.
        const refused = withConsumer(state, index, { phase: 'decided', outcome: 'refused' });
        add(`the deadline prevents the put of ${who}`, refused);
      }
    } else if (one.phase === 'putting') {
      const decide = (outcome: PutOutcome) =>
        withConsumer(state, index, { phase: 'decided', outcome, flight: null, hasLanded: false });
      if (one.flight) {
        const landed = withConsumer(state, index, { flight: null, hasLanded: true });
        add(`the put of ${documentOf(one.flight.value)} by ${who} lands`, { ...landed, kv: one.flight.value });
        add(`KV refuses the put of ${who}`, decide('refused'));
      }
      if (one.hasLanded) add(`${who} learns that its put has landed`, decide('put'));
      const failure = `${who} receives an unclear failure of its put`;
      if (one.flight && mayFail) add(failure, { ...decide('unclear'), flights, faults });
      // The put can land no more, or it has landed and its success was not reported.
      if (!one.flight) add(failure, decide('unclear'));
    } else {
      const { at, asOf, isClaimed, holds, event, since, version } = one;
      const claim = { at, asOf, isClaimed: isClaimed && holds, event, since, version };
      const { row, pending } = await steps.confirm(state.row, state.versions, state.pending, claim, one.outcome);
      const left = { ...without(state, index), pending, row: withoutPause(abandon(row, one)) };
      add(`${who} confirms (${one.outcome})`, left);
    }
    return moves;
  }

  const runningVersions: readonly Version[] = bounds.isMixed ? ['older', 'newer'] : ['older'];

  /** Whether a document, or a put, includes every event up to a version. A document that a newer version removed misses none. */
  const includes = (value: number, version: number) => value >= version || (value === 0 && bounds.isMixed === true);

  /** The first events of the batches that end with an event. */
  const batchesUntil = (event: number) => (bounds.restMs === undefined || event < 2 ? [event] : [event, 1]);

  /** Every event up to this version has been delivered (the watermark). */
  const watermark = ({ versions, pending }: State) => Math.min(versions, ...pending.map((event) => event - 1));

  /** Whether KV has the newest version, or no document where none was put, or where a newer version removed it. */
  const isUpToDate = ({ kv, row, versions }: State) => kv === versions || (kv === 0 && !row?.position);

  return {
    start,
    keyOf({ versions, pending, row, kv, flights, consumers, faults, runs }) {
      const rowKey = row && [row.position, row.claim?.[0], row.until / second, row.recheckAt && row.recheckAt / second];
      const flightKeys = flights.map(({ value, left }) => `${value}@${left / second}`).sort();
      return [
        runs,
        faults,
        versions,
        pending,
        kv,
        rowKey,
        [...new Set(flightKeys)],
        consumers.map(consumerKey).sort(),
      ].join(';');
    },
    async moves(state) {
      const moves: Move<State>[] = [];
      const { versions, pending, row } = state;
      if (versions < bounds.versions) {
        const next = versions + 1;
        moves.push({
          name: `event ${next} is committed`,
          next: { ...state, versions: next, pending: [...pending, next] },
        });
      }
      // Runs beyond the bound happen one after the other, so that every history can still reach a good end.
      const isBounded = bounds.runs !== undefined && state.runs >= bounds.runs;
      const runs = bounds.runs === undefined || isBounded ? state.runs : state.runs + 1;
      if (state.consumers.length < (isBounded ? 1 : bounds.consumers)) {
        const events = isToBeRechecked(row) ? [...pending, 0] : pending;
        const begins = events.flatMap((event) =>
          batchesUntil(event).flatMap((since) => runningVersions.map((version) => ({ event, since, version }))),
        );
        for (const { event, since, version } of begins) {
          const consumer: Consumer = {
            version,
            phase: 'requested',
            event,
            since,
            at: 0,
            asOf: 0,
            isClaimed: false,
            holds: false,
            flight: null,
            hasLanded: false,
            outcome: 'none',
          };
          const next = { ...state, runs, consumers: [...state.consumers, consumer] };
          moves.push({ name: `${nameOf(consumer)} begins and requests the claim`, next });
        }
      }
      for (const index of state.consumers.keys()) moves.push(...(await movesOf(state, index)));
      for (const [index, { value }] of state.flights.entries()) {
        const flights = state.flights.filter((_, at) => at !== index);
        moves.push({
          name: `an earlier put of ${documentOf(value)} lands late`,
          next: { ...state, flights, kv: value },
        });
      }
      const later = pass(state, bounds);
      if (later) moves.push(later);
      return moves.map(({ name, next }) => ({ name, next: withoutPast(withoutIdle(next), bounds) }));
    },
    findFault(state) {
      if (hasNoWorkLeft(state) && !isUpToDate(state))
        return `no work is left, and KV has ${documentOf(state.kv)} of ${state.versions} for ever`;
      const done = watermark(state);
      const puts = [...state.flights, ...state.consumers.map(({ flight }) => flight)].filter(
        (flight) => flight !== null,
      );
      const behind = [state.kv, ...puts.map(({ value }) => value)].find((value) => !includes(value, done));
      if (behind === undefined) return undefined;
      return `every event up to ${done} is done, and KV has ${documentOf(behind)}, or can still get it`;
    },
    isGoodEnd: (state) => hasNoWorkLeft(state) && state.versions === bounds.versions && isUpToDate(state),
  };
}
