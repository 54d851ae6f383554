import { keyPrefix } from '../access/key-text';
import { on } from '../notifications/reaction';
import { ApiKeyCreated } from './events';

/**
 * Tells who made a key, so that a key that a thief has made does not stay unnoticed. A service account has no mailbox, and
 * the key of one is made by an admin. The name of the key is left out, because a person typed it.
 */
export const notifyOfNewKey = on(ApiKeyCreated, () => ({ data, metadata, streamId: keyId }) => {
  const { userId: ownerId } = ApiKeyCreated.schema.parse(data);
  const { actorId: userId = ownerId } = metadata;
  return {
    userId,
    kind: 'api-key-created',
    facts: { keyId, prefix: keyPrefix(keyId), isOfService: userId !== ownerId },
  };
});
