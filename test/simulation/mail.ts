import type { EmailMessage } from '../../src/email/email-sender';
import type { AcceptedEmail } from './history';
import { type Process, SimulatedFault } from './process';
import type { World } from './world';

/** A connection to the provider, from the view of the provider. */
interface Sending {
  process: Process;
  begun: number;
  /** When the sender learned that the provider accepted the e-mail; undefined after an error. */
  answeredAt: number | undefined;
  /** How many operations on D1 had failed for the sender when the answer arrived. */
  d1FailuresBefore: number;
}

/** How long a provider takes: a good one, and the slowest one. */
const [quickestMs, slowestMs] = [10_000, 90_000];
/** A sender that could not record its success within this time has an excuse. */
const recordMs = 10_000;

/**
 * A mail provider that is away, slow, refuses for good, says "later" to somebody for ever, or accepts an e-mail and then
 * loses the connection. It sees when an e-mail comes a second time without a reason.
 */
export class MailModel {
  readonly accepted: AcceptedEmail[] = [];
  readonly #refused = new Set<string>();
  /** How many senders of an e-mail got no clear answer. */
  readonly #unanswered = new Map<string, number>();
  readonly #sendings = new Map<string, Sending[]>();
  #restoredAt = Number.NEGATIVE_INFINITY;
  /** How often the provider of this history is slow. */
  readonly #slowness: number;
  /** How often the provider of this history refuses for good. */
  readonly #strictness: number;

  constructor(
    readonly world: World,
    readonly isPending: (messageId: string) => boolean,
  ) {
    this.#slowness = world.chance(0.3) ? 0.8 : 0.05;
    this.#strictness = world.chance(0.1) ? 0.8 : 0.04;
  }

  /** Whether the e-mail of an event was refused for good, or so many senders of it got no clear answer. */
  isHopeless(eventId: string, unclearSends: number): boolean {
    if ([...this.#refused].some((messageId) => messageId.includes(eventId))) return true;
    return [...this.#unanswered].some(([messageId, times]) => messageId.includes(eventId) && times >= unclearSends);
  }

  #countUnanswered(messageId: string): void {
    this.#unanswered.set(messageId, (this.#unanswered.get(messageId) ?? 0) + 1);
  }

  /** After a restore, e-mails whose deliveries were pending at that moment are sent again. */
  restored(): void {
    this.#restoredAt = this.world.now;
  }

  /** Whether the process of an earlier sending knew that the e-mail is sent, and was able to record it. */
  #wasClear({ answeredAt, begun, d1FailuresBefore, process }: Sending, next: Sending): boolean {
    if (begun <= this.#restoredAt || process.dead || answeredAt === undefined) return false;
    return process.d1Failures === d1FailuresBefore && next.begun < answeredAt + recordMs;
  }

  #accept(sending: Sending, { messageId, text, to }: EmailMessage, isPending: boolean): void {
    const earlier = this.#sendings.get(messageId) ?? [];
    this.#sendings.set(messageId, [...earlier, sending]);
    this.accepted.push({ messageId, to: to.email, text, at: this.world.now });
    this.world.trace?.(sending.process, `mail: the provider accepts the e-mail of event ${messageId}`);
    const unexcused = earlier.find((one) => this.#wasClear(one, sending));
    if (earlier.length === 0 || (isPending && !unexcused)) return;
    const why = unexcused ? `process ${unexcused.process.id} had sent it and knew` : 'its delivery was done already';
    this.world.fail({
      expected: 'an e-mail is sent again only after a sender that died, got no clear answer, or could not record it',
      found: `the e-mail of event ${messageId} was sent ${earlier.length + 1} times; ${why}`,
    });
  }

  /** Sends an e-mail. A sender that gives up passes a signal, and then the provider forgets what it has not accepted. */
  async send(process: Process, message: EmailMessage, signal?: AbortSignal): Promise<void> {
    const { world } = this;
    const sending: Sending = { process, begun: world.now, answeredAt: undefined, d1FailuresBefore: 0 };
    const isPending = this.isPending(message.messageId);
    const isSlow = world.fault('slow-mail', 'the provider is slow', this.#slowness, 'send e-mail');
    const isRefused = world.fault('refusing-mail', 'the provider refuses for good', this.#strictness, 'send e-mail');
    const isPutOff = this.#isPutOff(message);
    const isLie = world.fault('lying-mail', 'the provider accepts, and the sender gets an error', 0.06, 'send e-mail');
    const isLate = world.fault('faults', 'the provider says later', 0.05, 'send e-mail');
    signal?.addEventListener('abort', () => this.#countUnanswered(message.messageId));
    const latest = world.now + (isSlow ? slowestMs : quickestMs);
    if (isSlow) await world.wait(process, world.between(30_000, slowestMs));
    return world.operation(
      process,
      'send e-mail',
      () => {
        if (signal?.aborted) throw new SimulatedFault('the sender gave up');
        if (world.isAway('mail')) {
          world.coverage.count('outage', 'send e-mail');
          throw process.release.createEmailError('ECONNREFUSED', 'for-now');
        }
        if (isRefused) {
          this.#refused.add(message.messageId);
          // Either the address or the sender is at fault; which one it is does not change what the system may do.
          const isOfRecipient = world.chance(0.5);
          throw process.release.createEmailError('550', isOfRecipient ? 'recipient' : 'for-good');
        }
        // A connection that lasts longer than the provider needs is dead.
        if (isPutOff || isLate || world.now > latest) throw process.release.createEmailError('451 4.3.0', 'for-now');
        sending.answeredAt = isLie ? undefined : world.now;
        sending.d1FailuresBefore = process.d1Failures;
        this.#accept(sending, message, isPending);
        if (!isLie) return;
        this.#countUnanswered(message.messageId);
        throw new SimulatedFault('read ECONNRESET');
      },
      () => {
        if (!signal?.aborted && !isRefused && !isPutOff && world.now <= latest && !world.isAway('mail'))
          this.#accept(sending, message, isPending);
      },
    );
  }

  /** One recipient of sixteen has a server that always says "later", as long as there are faults. */
  #isPutOff({ to }: EmailMessage): boolean {
    const { world } = this;
    let sum = 0;
    for (const character of to.email) sum = (sum * 31 + character.charCodeAt(0)) >>> 0;
    const isPutOff = (sum >>> 8) % 16 === 0 && world.isHard('refusing-mail');
    if (isPutOff) world.coverage.count('the provider always says later', 'send e-mail');
    return isPutOff;
  }
}
