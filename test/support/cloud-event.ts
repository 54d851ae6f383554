import type { Schema } from '@cfworker/json-schema';

/**
 * An event in JSON as CloudEvents 1.0.2 defines it (sections 3 and 4 of the specification, and its JSON format): the names of
 * attributes are lower-case letters and digits, and their values are texts, integers of 32 bits or booleans.
 */
export const cloudEventSchema = {
  type: 'object',
  required: ['id', 'source', 'specversion', 'type'],
  propertyNames: { pattern: '^[a-z0-9]{1,20}$' },
  properties: {
    id: { type: 'string', minLength: 1 },
    source: { type: 'string', minLength: 1, format: 'uri-reference' },
    specversion: { const: '1.0' },
    type: { type: 'string', minLength: 1 },
    datacontenttype: { type: 'string', minLength: 1 },
    dataschema: { type: 'string', minLength: 1, format: 'uri' },
    subject: { type: 'string', minLength: 1 },
    time: { type: 'string', format: 'date-time' },
    data: {},
  },
  additionalProperties: {
    anyOf: [
      { type: 'string' },
      { type: 'boolean' },
      { type: 'integer', minimum: -2_147_483_648, maximum: 2_147_483_647 },
    ],
  },
} satisfies Schema;
