import type { DeliveryFailure } from '../cqrs/log/outbox';
import { EmailError, UnclearEmailError } from '../email/email-sender';
import { describeError, isPlatformFailure } from '../platform/failure';

/**
 * Decides whether work failed by its own fault, which an operator has to look at, or because the platform or a provider
 * was away, which passes.
 */
function faultOf(error: unknown): DeliveryFailure['fault'] {
  if (error instanceof EmailError) return error.permanent ? 'own' : 'platform';
  if (error instanceof UnclearEmailError) return 'platform';
  return isPlatformFailure(error) ? 'platform' : 'own';
}

/** Describes and classes an error. */
export function toFailure(error: unknown): DeliveryFailure {
  return { error: describeError(error), fault: faultOf(error) };
}
