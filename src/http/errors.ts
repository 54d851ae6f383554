import { defineError } from '../platform/errors';

/** The errors of requests that do not reach a domain: wrong addresses, headers and bodies, and limits. */
export const httpErrors = {
  notFound: defineError({
    code: 'http.not-found',
    kind: 'not-found',
    meaning: 'The API has no resource at this address. An id that is not a UUID is such an address too.',
    remedy: 'Compare the address with the documentation at /docs.',
    text: ({ documentation }: { documentation: string }) =>
      `There is nothing at this address. Compare it with ${documentation}.`,
  }),
  methodNotAllowed: defineError({
    code: 'http.method-not-allowed',
    kind: 'method-not-allowed',
    meaning: 'The resource exists, but it does not have this method.',
    remedy: 'Use one of the methods that the `Allow` header lists.',
    text: ({ allowed }: { allowed: readonly string[] }) =>
      `This resource does not have the method of the request. Use ${allowed.join(', ')}.`,
  }),
  crossOrigin: defineError({
    code: 'http.cross-origin',
    kind: 'forbidden',
    meaning: 'The operation is for pages of the API itself, and the request comes from another site or from no page.',
    remedy: 'Use POST /v1/auth/token, and send the access token as `Authorization: Bearer …`.',
    text: () => 'Only a page of this API may send this request. Sign in at POST /v1/auth/token instead.',
  }),
  bodyTooLarge: defineError({
    code: 'http.body-too-large',
    kind: 'too-large',
    meaning: 'The body of the request is larger than the API allows.',
    remedy: 'Send less in one request.',
    text: ({ maxBytes }: { maxBytes: number }) => `The body has more than ${maxBytes} bytes. Send a smaller body.`,
  }),
  invalidBody: defineError({
    code: 'http.invalid-body',
    kind: 'bad-request',
    meaning: 'The body does not have the format that its Content-Type names: broken JSON, or bytes that are not UTF-8.',
    remedy: 'Correct the body.',
    text: () =>
      'The body does not have the format that its Content-Type names. Check it for broken JSON and for bytes that are not UTF-8.',
  }),
  unsupportedMediaType: defineError({
    code: 'http.unsupported-media-type',
    kind: 'unsupported-media-type',
    meaning: 'The operation does not take bodies of this Content-Type, or of this charset.',
    remedy: 'Send application/json in UTF-8, or application/x-www-form-urlencoded to the token endpoint.',
    text: ({ expected }: { expected: string }) =>
      `This operation takes only ${expected} in UTF-8. Send a body of this Content-Type.`,
  }),
  unsupportedContentEncoding: defineError({
    code: 'http.unsupported-content-encoding',
    kind: 'unsupported-media-type',
    meaning: 'The body is compressed, and the API reads only bodies that are not.',
    remedy: 'Send the body as it is, without Content-Encoding.',
    text: ({ acceptEncoding }: { acceptEncoding: string }) =>
      `The body has a Content-Encoding other than ${acceptEncoding}. Send the body without compression.`,
  }),
  validationFailed: defineError({
    code: 'http.validation-failed',
    kind: 'invalid',
    meaning: 'The body has fields that are missing, unknown or wrong; `errors` lists the first 20 with a JSON pointer.',
    remedy: 'Correct the fields that `errors` lists.',
    text: () => 'The body is not valid. Correct the fields that `errors` lists.',
  }),
  invalidQuery: defineError({
    code: 'http.invalid-query',
    kind: 'bad-request',
    meaning: 'A parameter of the query string is wrong; `errors` lists the first 20 with a JSON pointer.',
    remedy: 'Correct the parameters that `errors` lists.',
    text: () => 'The query string is not valid. Correct the parameters that `errors` lists.',
  }),
  invalidIdempotencyKey: defineError({
    code: 'http.invalid-idempotency-key',
    kind: 'bad-request',
    meaning: 'The Idempotency-Key is empty, too long, or has characters that a header field cannot carry.',
    remedy: 'Send 1 to 255 visible ASCII characters, with or without quotes; a UUID is a good key.',
    text: () => 'An Idempotency-Key has 1 to 255 visible ASCII characters, with or without quotes. Send such a key.',
  }),
  tooManyRequests: defineError({
    code: 'http.too-many-requests',
    kind: 'too-many',
    meaning: 'This address or this account has sent more requests than the limit of the operation allows.',
    remedy: 'Wait for the seconds of `Retry-After`, then send the request again.',
    text: ({ retryAfterSeconds }: { retryAfterSeconds: number }) =>
      `Too many requests. Wait ${retryAfterSeconds} seconds, then send the request again.`,
  }),
  databaseUnavailable: defineError({
    code: 'http.database-unavailable',
    kind: 'unavailable',
    meaning:
      'The database did not answer in time. The request has changed nothing. A read with a Consistency-Token has no other source that is new enough.',
    remedy:
      'Wait for the seconds of `Retry-After`, then send the request again, a command with the same Idempotency-Key if it has one. A read without a Consistency-Token can often be answered meanwhile, with data that is about a minute old.',
    text: ({ retryAfterSeconds }: { retryAfterSeconds: number }) =>
      `The database did not answer in time, and nothing was changed. Wait ${retryAfterSeconds} seconds, then send the request again.`,
  }),
  configuration: defineError({
    code: 'http.configuration',
    kind: 'unavailable',
    meaning: 'The API was deployed with a configuration that it cannot use. Nothing was changed.',
    remedy: 'Operators: the log event `configuration.unusable` names each wrong variable. Others: try again later.',
    text: ({ retryAfterSeconds }: { retryAfterSeconds: number }) =>
      `The API is not configured correctly. Its operators have to correct that. Try again after ${retryAfterSeconds} seconds.`,
  }),
  internal: defineError({
    code: 'http.internal',
    kind: 'internal',
    meaning: 'An unexpected failure. The log of the API has the details under the request id.',
    remedy: 'Send the request again, with the same Idempotency-Key; report the request id if the failure stays.',
    text: () => 'The API failed unexpectedly. Send the request again, and report the requestId if it fails again.',
  }),
};
