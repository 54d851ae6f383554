import type { Reaction } from '../notifications/reaction';

export const welcomeOnUserRegistered: Reaction = ({ streamId }) => ({ userId: streamId, kind: 'welcome', facts: {} });

export const tellOnUserPasswordChanged: Reaction = ({ streamId }) => ({
  userId: streamId,
  kind: 'password-changed',
  facts: {},
});
