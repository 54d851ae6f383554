import type { DeliveryFailure } from '../cqrs/log/outbox';
import { EmailError, type Refusal, UnclearEmailError } from '../email/email-sender';
import { describeError, isPlatformFailure } from '../platform/failure';

const faultsOfRefusals: Readonly<Record<Refusal, DeliveryFailure['fault']>> = {
  'for-now': 'platform',
  'for-good': 'own',
  recipient: 'recipient',
};

/**
 * Decides whether work failed by its own fault, which an operator has to look at, because the platform or a provider was
 * away, which passes, or because the address of an e-mail does not take it.
 */
function faultOf(error: unknown): DeliveryFailure['fault'] {
  if (error instanceof EmailError) return faultsOfRefusals[error.refusal];
  if (error instanceof UnclearEmailError) return 'platform';
  return isPlatformFailure(error) ? 'platform' : 'own';
}

/** Describes and classes an error. */
export function toFailure(error: unknown): DeliveryFailure {
  return { error: describeError(error), fault: faultOf(error) };
}
