import type { Platform } from '../history';
import type { Process } from '../process';
import type { Behaviours } from './behaviours';
import { commandNames, generators } from './commands';
import { Knowledge } from './knowledge';
import { ObservedLog } from './log';
import { queryNames, readers } from './queries';
import type { Attempt, ReadRecord } from './record';
import { SettledAccess } from './settled-access';

interface Weighted {
  weight: number;
  behaviour?: Parameters<Behaviours['has']>[0];
}

/** What all clients of a history share: what they have sent and were told, and the figures for the report. */
export class Notebook {
  readonly attempts: Attempt[] = [];
  readonly reads: ReadRecord[] = [];
  readonly log: ObservedLog;
  readonly access: SettledAccess;
  readonly shop: Knowledge;
  readonly figures: Record<string, number> = {};
  #waiting = 0;

  constructor(
    readonly platform: Platform,
    readonly behaviours: Behaviours,
  ) {
    this.log = new ObservedLog(platform);
    this.access = new SettledAccess(platform, this.log);
    this.shop = new Knowledge(platform, behaviours);
    for (const name of commandNames) if (this.isOn(generators[name])) this.figures[`command: ${name}`] = 0;
    for (const name of queryNames) if (this.isOn(readers[name])) this.figures[`query: ${name}`] = 0;
  }

  /** Whether a client still waits for something. */
  get isBusy(): boolean {
    return this.#waiting > 0;
  }

  isOn({ behaviour }: Pick<Weighted, 'behaviour'>): boolean {
    return behaviour === undefined || this.behaviours.has(behaviour);
  }

  count(figure: string): void {
    this.figures[figure] = (this.figures[figure] ?? 0) + 1;
  }

  /** Starts a client, for whose end the recovery waits. */
  start(run: (client: Process) => Promise<void>): void {
    this.#waiting++;
    this.platform.startClient('client', async (client) => {
      try {
        await run(client);
      } finally {
        this.#waiting--;
      }
    });
  }

  /** Chooses by weight among the entries of a map. */
  choose<Name extends string, Entry extends Weighted>(
    names: readonly Name[],
    entries: Readonly<Record<Name, Entry>>,
  ): Name {
    const possible = names.filter((name) => this.isOn(entries[name]));
    const total = possible.reduce((sum, name) => sum + entries[name].weight, 0);
    let left = this.platform.world.random() * total;
    const chosen = possible.find((name) => {
      left -= entries[name].weight;
      return left < 0;
    });
    return chosen ?? (possible[0] as Name);
  }

  /** Notes where the log ends now, unless a restore came in between. */
  end(span: Attempt | ReadRecord): void {
    const until = this.log.observe();
    this.access.observe();
    if (span.segment !== this.log.segment) return;
    span.until = until;
    span.answeredAt = this.platform.world.now;
  }
}
