import * as z from 'zod';
import { keyPattern } from '../access/key-text';
import { scopes } from '../access/scopes';
import { ordinal } from '../platform/numbers';
import { uuid } from '../platform/uuid';

export const apiKeyId = uuid.meta({ description: 'The id of the API key.' });

const name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .meta({ description: 'What the key is for, so that you know it later.', examples: ['Warehouse scanner'] });

const scopeList = z
  .array(z.enum(scopes))
  .min(1)
  .refine((list) => new Set(list).size === list.length, { error: 'must name each scope once' })
  .meta({
    description: 'What the key may do. The role of the account limits it further.',
    examples: [['orders:read', 'orders:write']],
  });

export const createApiKey = z
  .strictObject({
    name,
    scopes: scopeList,
    expiresAt: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({ description: 'When the key ends; without it, it ends when it is revoked.' }),
    accountId: uuid
      .optional()
      .meta({ description: 'The service account that gets the key (admin); without it, your own account.' }),
  })
  .meta({ ref: 'CreateApiKey', examples: [{ name: 'Warehouse scanner', scopes: ['orders:read', 'orders:write'] }] });

const prefix = z
  .string()
  .meta({ description: 'The beginning of the key, which is no secret.', examples: ['fd_02yQvYxJkAXd5nUqGDyEyB'] });

export const createdApiKey = z
  .object({
    id: apiKeyId,
    version: ordinal,
    prefix,
    key: z
      .string()
      .regex(keyPattern)
      .meta({
        description: 'The key. It is shown this once, and only a hash of it is stored.',
        examples: ['fd_02yQvYxJkAXd5nUqGDyEyB02yQvYxJgJ0bDbyAnaZ9qH7mQ2xV9cT4kL8sW1zR5nY3bF6hJ0dG2pE7uX4aC1iO2kT9qW'],
      }),
  })
  .meta({ ref: 'CreatedApiKey' });

export const apiKey = z
  .object({
    id: apiKeyId,
    accountId: uuid,
    name,
    prefix,
    scopes: z.array(z.enum(scopes)),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    lastUsedAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'The hour in which the key was used last; null for a key that was never used.' }),
  })
  .meta({ ref: 'ApiKey' });
export type ApiKeyRow = z.infer<typeof apiKey>;

export const apiKeyList = z.object({ data: z.array(apiKey) }).meta({ ref: 'ApiKeyList' });
