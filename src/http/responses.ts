import type { Context } from 'hono';
import { z } from 'zod';
import { encodeConsistencyToken } from '../cqrs/log/consistency-token';
import type { ReadResult, Wanted } from '../cqrs/reading/read-models';
import type { Committed } from '../cqrs/writing/unit-of-work';
import type { DomainError } from '../platform/errors';
import { type AccountStanding, isTokenValid, requireValidToken } from '../users/user';
import { accessView } from '../users/views';
import { type AppEnv, consistencyToken, requireCaller } from './context';

type AppContext = Context<AppEnv>;

/** What a command answers: the aggregate's id and its version after the command. */
export const commandAnswer = z.object({ id: z.string(), version: z.int() }).meta({ ref: 'CommandAnswer' });

/** The answer to a command, with its headers set. */
export function answerCommand(c: AppContext, outcome: Committed<z.infer<typeof commandAnswer>>) {
  setCommandHeaders(c, outcome, outcome.result.version);
  return outcome.result;
}

/** Notes on the answer of a command what a read must carry to see its effect, and the new version. */
export function setCommandHeaders(
  c: AppContext,
  { commit, isReplayed }: Omit<Committed<unknown>, 'result'>,
  version?: number,
): void {
  const { epoch } = c.var.services.config;
  c.header('Consistency-Token', encodeConsistencyToken({ ...commit, epoch }));
  if (isReplayed) c.header('Idempotency-Replayed', 'true');
  if (version !== undefined) c.header('ETag', `"${version}"`);
}

function accessOf(c: AppContext) {
  return { view: accessView, key: requireCaller(c).userId, ignoreToken: true };
}

/** A refusal is rare and must be right: an account that was just reactivated is not turned away by an old document. */
async function requireStanding(c: AppContext, cached: AccountStanding | undefined): Promise<AccountStanding> {
  const { issuedAt } = requireCaller(c);
  if (isTokenValid(cached, issuedAt)) return cached;
  const fresh = await c.var.services.readModels.readFresh(accessOf(c));
  return requireValidToken(fresh?.data, issuedAt);
}

/** Reads a document for the caller: one KV operation for it and for the caller's standing. */
export async function readAs<Data>(c: AppContext, wanted: Wanted<Data>) {
  const [access, result] = await c.var.services.readModels.read(consistencyToken(c), accessOf(c), wanted);
  return { standing: await requireStanding(c, access.document?.data), result };
}

/** The caller's standing alone, for what is read past the read models. */
export async function authorize(c: AppContext): Promise<AccountStanding> {
  const [access] = await c.var.services.readModels.read(undefined, accessOf(c));
  return requireStanding(c, access.document?.data);
}

/** Reads a document that everybody may read. */
export async function readPublic<Data>(c: AppContext, wanted: Wanted<Data>): Promise<ReadResult<Data>> {
  const [result] = await c.var.services.readModels.read(consistencyToken(c), wanted);
  return result;
}

/** Says on the answer of a read where it came from and how old it is, in seconds. */
export function setReadHeaders(
  c: AppContext,
  { consistency, ageSeconds, source }: Omit<ReadResult<unknown>, 'document'>,
): void {
  // RFC 9211.
  c.header('Cache-Status', source === 'kv' ? 'KV; hit' : 'KV; fwd=miss');
  c.header('Consistency', consistency);
  c.header('Age', String(ageSeconds));
}

/** The document of a single resource, with its version as ETag. */
export function present<Data>(c: AppContext, result: ReadResult<Data>, notFound: () => DomainError): Data {
  if (!result.document) throw notFound();
  const { version, revision, data } = result.document;
  setReadHeaders(c, result);
  c.header('ETag', revision === undefined ? `"${version}"` : `"${version}-${revision}"`);
  return data;
}
