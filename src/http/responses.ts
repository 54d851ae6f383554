import { createHash } from 'node:crypto';
import type { TypedResponse } from 'hono';
import type { JSONParsed } from 'hono/utils/types';
import * as z from 'zod';
import type { CommitPoint } from '../cqrs/log/consistency-token';
import type { Page } from '../cqrs/reading/pages';
import type { FoundDocument, Freshness } from '../cqrs/reading/read-models';
import type { Committed } from '../cqrs/writing/unit-of-work';
import { ordinal } from '../platform/numbers';
import type { RequestContext } from './context';
import { formatEntityTag } from './preconditions';
import { pathReference } from './uri';

/** The result of most commands: the aggregate's id and its version after the command. */
export const commandResult = z
  .object({ id: z.string(), version: ordinal })
  .meta({ ref: 'CommandResult', examples: [{ id: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11', version: 1 }] });
type CommandResult = z.infer<typeof commandResult>;

/** Sets the Consistency-Token, with which the client can read what was there at this point of the log. */
export function setConsistencyToken(c: RequestContext, commit: CommitPoint): void {
  const { consistencyTokens, epoch } = c.get('http');
  c.header('Consistency-Token', consistencyTokens.encode({ ...commit, epoch }));
}

/**
 * Sets the ETag of the new version and, for a caller with an access token, the Consistency-Token, with which the client can
 * read the command's effect. A stranger gets none: the position moves with what others do, so it would show, for
 * example, whether the account exists whose password was to be reset.
 */
export function setCommandHeaders(
  c: RequestContext,
  { commit, isReplayed }: Omit<Committed<unknown>, 'result'>,
  version?: number,
): void {
  if (c.get('caller')) setConsistencyToken(c, commit);
  if (isReplayed) c.header('Idempotency-Replayed', 'true');
  if (version !== undefined) c.header('ETag', `"${version}"`);
}

/** Sets the Consistency-Token of a grant: the client has no access token yet, but has proven its account. */
export function setGrantHeaders(c: RequestContext, { commit }: Pick<Committed<unknown>, 'commit'>): void {
  setConsistencyToken(c, commit);
}

/** 201, with the address of the new resource below the address of the request. */
export function sendCreated<Result extends CommandResult>(c: RequestContext, outcome: Committed<Result>) {
  setCommandHeaders(c, outcome, outcome.result.version);
  c.header('Location', `${c.req.path}/${outcome.result.id}`);
  return c.json(outcome.result, 201);
}

/** 201, for something that was added to the resource, whose id and version the result has; it can be read where it was sent. */
export function sendAdded<Result extends CommandResult>(c: RequestContext, outcome: Committed<Result>) {
  setCommandHeaders(c, outcome, outcome.result.version);
  c.header('Location', c.req.path);
  return c.json(outcome.result, 201);
}

/** 202, with the address at which the progress of the work can be read. */
export function sendAccepted<Result extends CommandResult>(
  c: RequestContext,
  outcome: Committed<Result>,
  address: string,
) {
  setCommandHeaders(c, outcome, outcome.result.version);
  c.header('Location', `${address}/${outcome.result.id}`);
  return c.json(outcome.result, 202);
}

/** 200, with the aggregate's id and its new version. */
export function sendResult<Result extends CommandResult>(c: RequestContext, outcome: Committed<Result>) {
  setCommandHeaders(c, outcome, outcome.result.version);
  return c.json(outcome.result, 200);
}

/** 204, for a command without a result for the client. */
export function sendDone(c: RequestContext, outcome: Committed<unknown>) {
  setCommandHeaders(c, outcome);
  return c.body(null, 204);
}

/** Sets the headers for the source and the age of a read's data. */
export function setFreshness(c: RequestContext, freshness: Freshness): void {
  const { forwarded } = freshness;
  // RFC 9211.
  c.header('Cache-Status', forwarded ? `KV; fwd=${forwarded}` : 'KV; hit');
  setAge(c, freshness);
}

/** Sets the headers for the age of data that no document has, so that KV is never asked for it. */
export function setAge(c: RequestContext, { consistency, ageSeconds }: Freshness): void {
  c.header('Consistency', consistency);
  if (ageSeconds !== undefined) c.header('Age', String(ageSeconds));
}

/** 200, with a document. Its version, and its revision if it has one, are the ETag. */
export function sendDocument<Data>(c: RequestContext, { document, ...freshness }: FoundDocument<Data>) {
  const { version, revision, data } = document;
  setFreshness(c, freshness);
  c.header('ETag', formatEntityTag(version, revision, c.get('http').keyedHashes));
  return c.json(data, 200);
}

type PageBody<Row> = Pick<Page<Row>, 'data' | 'nextCursor' | 'total'>;

/** The ETag of a body that has no version: equal texts have equal tags. */
function digestTag(text: string): string {
  return `"${createHash('sha256').update(text).digest('hex').slice(0, 40)}"`;
}

/** Sets the `Link` to the next page (RFC 8288): the address of the request, with other values of some parameters. */
function setNextLink(c: RequestContext, changed: Readonly<Record<string, string>>): void {
  // The query has known parameters only, because `validate` refuses others.
  const query = new URL(c.req.url).searchParams;
  for (const [name, value] of Object.entries(changed)) query.set(name, value);
  c.header('Link', `<${pathReference(c.req.url)}?${query}>; rel="next"`);
}

/**
 * 200, with a part of a sequence that goes on for ever.
 * @param options.next the parameters of the query that ask for the next part
 */
export function sendSlice<Data>(
  c: RequestContext,
  data: Data,
  { next, freshness }: { next: Readonly<Record<string, string>>; freshness: Freshness },
) {
  setAge(c, freshness);
  setNextLink(c, next);
  return sendTagged(c, data);
}

/** 200, with JSON whose ETag is that of its text. */
function sendTagged<Data>(c: RequestContext, data: Data) {
  const text = JSON.stringify(data);
  c.header('ETag', digestTag(text));
  // What `c.json` would return for the same data, with the text that is made already.
  const body = c.body(text, 200, { 'Content-Type': 'application/json' });
  return body as unknown as Response & TypedResponse<JSONParsed<Data>, 200, 'json'>;
}

/** 200, with a page and the `Link` to the next page, which has the same filters. */
export function sendPage<Row>(c: RequestContext, { data, nextCursor, total, freshness }: Page<Row>) {
  if (freshness) setFreshness(c, freshness);
  if (nextCursor !== null) setNextLink(c, { cursor: nextCursor });
  return sendTagged<PageBody<Row>>(c, { data, nextCursor, total });
}
