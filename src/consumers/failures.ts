import { z } from 'zod';
import { UnreadableEventError } from '../cqrs/log/event';
import type { DeliveryFailure } from '../cqrs/log/outbox';
import { EmailError, UnclearEmailError } from '../email/email-sender';

/** Errors that the same event will cause again in the same release, whatever the state of the platform. */
const ownClasses = [z.ZodError, UnreadableEventError, TypeError, RangeError, SyntaxError, ReferenceError];

/** What D1 and KV say about a value that they will never accept or decode. */
const ownMessages = /malformed JSON|constraint failed|too big|SQLITE_TOOBIG|KV PUT failed: 4(?:00|13|14)\b/;

function* causesOf(error: unknown): Generator<Error> {
  for (let current = error; current instanceof Error; current = current.cause) yield current;
}

/**
 * Decides whether work failed by its own fault, which an operator has to look at, or because the platform or a provider
 * was away, which passes. An unknown error counts as the platform's, so that an outage cannot make dead letters.
 */
function faultOf(error: unknown): DeliveryFailure['fault'] {
  if (error instanceof EmailError) return error.permanent ? 'own' : 'platform';
  if (error instanceof UnclearEmailError) return 'platform';
  const isOwn = [...causesOf(error)].some(
    (cause) => ownClasses.some((type) => cause instanceof type) || ownMessages.test(cause.message),
  );
  return isOwn ? 'own' : 'platform';
}

/** The class and the code of an error. The message is left out, because it may contain text that a person typed. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const code = 'code' in error && typeof error.code === 'string' ? `: ${error.code}` : '';
  return `${error.name}${code}`;
}

/** Describes and classes an error. */
export function toFailure(error: unknown): DeliveryFailure {
  return { error: describeError(error), fault: faultOf(error) };
}
