import * as z from 'zod';
import { scopes } from '../access/scopes';
import { defineEvent } from '../cqrs/log/event';

/** The metadata says who created the key, which for a service account is an admin. */
export const ApiKeyCreated = defineEvent({
  type: 'ApiKeyCreated',
  streamType: 'api-key',
  schema: z.strictObject({ userId: z.uuid(), scopes: z.array(z.enum(scopes)), expiresAt: z.iso.datetime().nullable() }),
});

export const ApiKeyRevoked = defineEvent({
  type: 'ApiKeyRevoked',
  streamType: 'api-key',
  schema: z.strictObject({ userId: z.uuid() }),
});

export const apiKeyEvents = [ApiKeyCreated, ApiKeyRevoked];
