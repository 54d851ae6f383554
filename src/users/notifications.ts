import type { LinkTokens } from '../access/link-tokens';
import type { TimedLink } from '../notifications/notification';
import type { Reaction } from '../notifications/reaction';
import { limits } from '../platform/limits';
import type { EmailConfirmation } from './email-confirmation';
import { EmailConfirmationRequested, UserEmailConfirmed, UserPasswordChanged } from './events';
import type { FindLink } from './find-link';

/** What the e-mails about addresses need. */
export interface LinkServices {
  findLink: FindLink;
  confirmationTokens: LinkTokens;
  /** The page to which the links lead. */
  confirmationUrl: string;
}

/** Makes the address of a link. The token is in its fragment, which no server's log receives. */
function timedLink({ id }: EmailConfirmation, { confirmationTokens, confirmationUrl }: LinkServices): TimedLink {
  const url = `${confirmationUrl}#token=${confirmationTokens.tokenFor(id)}`;
  return { url, validMinutes: limits.confirmationLinkMs / 60_000 };
}

/** Welcomes a new account, and asks to confirm the address unless that was done by then. */
export function welcomeOnUserRegistered(services: LinkServices): Reaction {
  return async ({ streamId: userId }) => {
    const link = await services.findLink(userId);
    const isUsable = link?.usedAt === null;
    return { userId, kind: 'welcome', facts: isUsable ? { confirmation: timedLink(link, services) } : {} };
  };
}

/** Sends the link to the address that it confirms; a link that was used, replaced or ended since is not sent. */
export function confirmOnEmailConfirmationRequested(services: LinkServices): Reaction {
  return async ({ data, streamId: userId }) => {
    const link = await services.findLink(EmailConfirmationRequested.schema.parse(data).confirmationId);
    if (!link || link.usedAt !== null) return undefined;
    const purpose = link.kind === 'change' ? 'change' : 'again';
    return { userId, kind: 'confirm-address', to: link.email, facts: { purpose, ...timedLink(link, services) } };
  };
}

/** Tells the owner of the old address of a change. */
export function tellOldAddressOnUserEmailConfirmed(services: LinkServices): Reaction {
  return async ({ data, streamId: userId }) => {
    const { confirmationId } = UserEmailConfirmed.schema.parse(data);
    const link = confirmationId === null ? undefined : await services.findLink(confirmationId);
    if (!link?.previousEmail) return undefined;
    const { isPreviousConfirmed: isToConfirmed, previousEmail: to } = link;
    return { userId, kind: 'address-changed', to, isToConfirmed, facts: { reader: 'old' } };
  };
}

/** Tells the owner of the new address, which is the one of the account. */
export const tellNewAddressOnUserUpdated: Reaction = ({ streamId }) => ({
  userId: streamId,
  kind: 'address-changed',
  facts: { reader: 'new' },
});

export const tellOnUserPasswordChanged: Reaction = ({ data, streamId }) => ({
  userId: streamId,
  kind: 'password-changed',
  facts: { by: UserPasswordChanged.schema.parse(data).by },
});
