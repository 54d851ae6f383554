import { pacing } from '../../src/cqrs/reading/projection-steps';
import type { Model, Move } from './search';
import type { PutOutcome, Row, Steps } from './steps';

/** A put on its way; it lands within its time (milliseconds from now) or never. */
interface Flight {
  value: number;
  left: number;
}

/** One run of the projector on behalf of an event (0: a refresh). Times are milliseconds from now. */
interface Consumer {
  phase: 'asked' | 'won' | 'putting' | 'decided';
  event: number;
  at: number;
  asOf: number;
  isWon: boolean;
  /** Whether the row's claim is this one's. */
  holds: boolean;
  flight: Flight | null;
  hasLanded: boolean;
  outcome: PutOutcome;
}

export interface State {
  versions: number;
  pending: readonly number[];
  row: Row | null;
  /** The version that KV has. */
  kv: number;
  /** Puts whose writer is gone, or has given up on them. */
  flights: readonly Flight[];
  consumers: readonly Consumer[];
  /** How many consumers have died, or heard of an unclear failure of a put that could still land. */
  faults: number;
  /** How many consumers have begun. */
  runs: number;
}

/** Without a bound a thing may happen any number of times. */
export interface Bounds {
  versions: number;
  /** At work at the same time. */
  consumers: number;
  /** Consumers that die, and unclear failures of puts that may still land. */
  faults?: number;
  /** Runs of consumers that may overlap; those that come after them follow one another. */
  runs?: number;
}

const flightMs = pacing.putMs + pacing.recheckMs;
/** D1 answers within this time, or the consumer has given up. */
const patienceMs = pacing.claimMs + pacing.recheckMs;
/** A consumer that is still at it after this time has been killed; so what is longer ago makes no difference. */
const longAgoMs = -patienceMs - pacing.recheckMs;

const start: State = { versions: 0, pending: [], row: null, kv: 0, flights: [], consumers: [], faults: 0, runs: 0 };

function isDoubtful(row: Row | null): boolean {
  if (!row) return false;
  return (row.suspect !== null && row.suspect <= 0) || (row.claim !== null && row.until <= 0);
}

function isAtRest({ pending, row, flights, consumers }: State): boolean {
  const isSettled = !row || (row.claim === null && row.suspect === null);
  return pending.length === 0 && isSettled && flights.length === 0 && consumers.length === 0;
}

/** The row after a consumer that may hold its claim has left: nobody will answer to that claim any more. */
function abandon(row: Row | null, { holds }: Consumer): Row | null {
  return row && holds && row.claim === 'held' ? { ...row, claim: 'gone' } : row;
}

/** The pace between two puts is left out: without it more can happen, and KV's order is not relied on here. */
function atOnce(row: Row | null): Row | null {
  return row && row.claim === null ? { ...row, until: Math.min(row.until, 0) } : row;
}

function without(state: State, index: number): State {
  return { ...state, consumers: state.consumers.filter((_, at) => at !== index) };
}

function withConsumer(state: State, index: number, change: Partial<Consumer>): State {
  return { ...state, consumers: state.consumers.map((one, at) => (at === index ? { ...one, ...change } : one)) };
}

/** Time passes until the next moment at which anything is different. */
function pass(state: State): State | undefined {
  const { row, flights, consumers } = state;
  const moments = [
    row?.until,
    row?.suspect,
    ...flights.map(({ left }) => left),
    ...consumers.flatMap(({ phase, at, flight }) => [
      flight?.left,
      phase === 'won' ? at + pacing.claimMs - pacing.putMs : undefined,
      phase === 'decided' ? undefined : at + pacing.claimMs,
      phase === 'asked' ? at + patienceMs : undefined,
    ]),
  ].filter((moment) => typeof moment === 'number' && moment > 0) as number[];
  if (moments.length === 0) return undefined;
  const ms = Math.min(...moments);
  const later = (moment: number) => Math.max(moment - ms, longAgoMs);
  const fly = (flight: Flight | null) => (flight && flight.left > ms ? { ...flight, left: flight.left - ms } : null);
  return {
    ...state,
    row: row && { ...row, until: later(row.until), suspect: row.suspect === null ? null : later(row.suspect) },
    flights: flights.map(fly).filter((flight) => flight !== null),
    consumers: consumers
      .map((one) => ({ ...one, at: later(one.at), flight: fly(one.flight) }))
      .filter(({ phase, at }) => at > (phase === 'asked' ? -patienceMs : longAgoMs)),
  };
}

const second = 1000;

/** Only what still matters: when it asked does not, once it has nothing to confirm. */
function consumerKey({ phase, event, at, asOf, isWon, holds, flight, hasLanded, outcome }: Consumer): string {
  if (phase === 'asked') return `a${event},${at / second}`;
  const place = flight ? flight.left / second : hasLanded ? 'landed' : '';
  if (phase !== 'decided') return `${phase[0]}${event},${at / second},${asOf},${holds},${place}`;
  const isConfirmed = isWon && holds;
  return isConfirmed && outcome === 'put' ? `d${event},${at / second},${asOf}` : `d${event},${isConfirmed && outcome}`;
}

/** The projector's protocol in the small: everything that can happen to one document, in every order. */
export function createProtocol(steps: Steps, bounds: Bounds): Model<State> {
  async function movesOf(state: State, index: number): Promise<Move<State>[]> {
    const one = state.consumers[index];
    if (!one) return [];
    const moves: Move<State>[] = [];
    const add = (name: string, next: State) => moves.push({ name, next });
    const flights = one.flight ? [...state.flights, one.flight] : state.flights;
    const faults = bounds.faults === undefined ? 0 : state.faults + 1;
    const mayFail = bounds.faults === undefined || faults <= bounds.faults;
    if (mayFail) add('a consumer dies', { ...without(state, index), row: abandon(state.row, one), flights, faults });
    if (one.phase === 'asked') {
      const { row, isWon, asOf } = await steps.claim(state.row, state.versions, one.event, one.at);
      // Who held it before holds it no more.
      const robbed = isWon
        ? { ...state, consumers: state.consumers.map((each) => ({ ...each, holds: false })) }
        : state;
      const change: Partial<Consumer> = isWon
        ? { phase: 'won', isWon, asOf, holds: true }
        : { phase: 'decided', asOf, outcome: 'none' };
      add(isWon ? `it wins the claim, and loads version ${asOf}` : 'it does not win', {
        ...withConsumer(robbed, index, change),
        row,
      });
    } else if (one.phase === 'won') {
      if (await steps.begins(one.at, one.asOf)) {
        const flight = { value: one.asOf, left: flightMs };
        add(`it begins to put version ${one.asOf}`, withConsumer(state, index, { phase: 'putting', flight }));
      } else
        add('the guard keeps it from putting', withConsumer(state, index, { phase: 'decided', outcome: 'refused' }));
    } else if (one.phase === 'putting') {
      const decide = (outcome: PutOutcome) =>
        withConsumer(state, index, { phase: 'decided', outcome, flight: null, hasLanded: false });
      if (one.flight) {
        const landed = withConsumer(state, index, { flight: null, hasLanded: true });
        add(`its put of version ${one.flight.value} lands`, { ...landed, kv: one.flight.value });
        add('its put is refused', decide('refused'));
      }
      if (one.hasLanded) add('it hears that its put has landed', decide('put'));
      if (one.flight && mayFail) add('it hears of an unclear failure', { ...decide('unclear'), flights, faults });
      // Its put has had all the time there is, or has landed without a word.
      if (!one.flight) add('it hears of an unclear failure', decide('unclear'));
    } else {
      const { at, asOf, isWon, holds, event } = one;
      const claim = { at, asOf, isWon: isWon && holds, event };
      const { row, pending } = await steps.confirm(state.row, state.versions, state.pending, claim, one.outcome);
      const left = { ...without(state, index), pending, row: atOnce(abandon(row, one)) };
      add(`it confirms (${one.outcome})`, left);
    }
    return moves;
  }

  return {
    start,
    keyOf({ versions, pending, row, kv, flights, consumers, faults, runs }) {
      const rowKey = row && [row.position, row.claim?.[0], row.until / second, row.suspect && row.suspect / second];
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
      // Beyond the bound runs follow one another: so every history can still come to its end.
      const isBounded = bounds.runs !== undefined && state.runs >= bounds.runs;
      const runs = bounds.runs === undefined || isBounded ? state.runs : state.runs + 1;
      if (state.consumers.length < (isBounded ? 1 : bounds.consumers)) {
        const events = isDoubtful(row) ? [...pending, 0] : pending;
        for (const event of events) {
          const consumer: Consumer = {
            phase: 'asked',
            event,
            at: 0,
            asOf: 0,
            isWon: false,
            holds: false,
            flight: null,
            hasLanded: false,
            outcome: 'none',
          };
          const name = event === 0 ? 'the relay asks for the claim' : `a consumer of event ${event} asks for the claim`;
          moves.push({ name, next: { ...state, runs, consumers: [...state.consumers, consumer] } });
        }
      }
      for (const index of state.consumers.keys()) moves.push(...(await movesOf(state, index)));
      for (const [index, { value }] of state.flights.entries()) {
        const flights = state.flights.filter((_, at) => at !== index);
        moves.push({ name: `an old put of version ${value} lands`, next: { ...state, flights, kv: value } });
      }
      const later = pass(state);
      if (later) moves.push({ name: 'time passes', next: later });
      return moves;
    },
    findFault: (state) =>
      isAtRest(state) && state.kv !== state.versions
        ? `all is at rest, and KV has version ${state.kv} of ${state.versions} for ever`
        : undefined,
    isGoodEnd: (state) => isAtRest(state) && state.versions === bounds.versions && state.kv === bounds.versions,
  };
}
