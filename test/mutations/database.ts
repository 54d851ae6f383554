import { integration, type Mutation, only, unit } from './mutation';

/** Calls of D1 that fail or never end, and commands whose outcome is open. */
export const database: readonly Mutation[] = [
  {
    name: 'a commit without an answer is sent again without a look for its events',
    file: 'src/cqrs/writing/d1-unit-of-work.ts',
    find: `const applied = await findApplied();
      if (applied) return applied;`,
    replace: '',
    noticedBy: integration('database-failures'),
  },
  {
    name: 'a commit without an answer is answered as refused',
    file: 'src/cqrs/writing/d1-unit-of-work.ts',
    find: 'if (isRefused && attempt === 1) throw await explain();',
    replace: 'if (attempt === 1) throw await explain();',
    noticedBy: integration('database-failures'),
  },
  {
    name: 'a sure refusal of D1 is treated as an open one',
    file: 'src/cqrs/writing/d1-unit-of-work.ts',
    find: 'if (isRefused && attempt === 1) throw await explain();',
    replace: '',
    noticedBy: only('is answered at once', integration('database-failures')),
  },
  {
    name: 'a refusal that can pass is an answer although an earlier try may arrive',
    file: 'src/cqrs/writing/d1-unit-of-work.ts',
    find: 'throw isRefusedForEver(constraint) ? await explain() : giveUp(error);',
    replace: 'throw await explain();',
    noticedBy: integration('database-failures'),
  },
  {
    name: 'a refusal that cannot pass is no answer after an open try',
    file: 'src/cqrs/writing/d1-unit-of-work.ts',
    find: 'throw isRefusedForEver(constraint) ? await explain() : giveUp(error);',
    replace: 'throw giveUp(error);',
    noticedBy: integration('database-failures'),
  },
  {
    name: 'an overloaded D1 is asked again and again',
    file: 'src/cqrs/writing/d1-unit-of-work.ts',
    find: 'if (isOverloaded(cause) || failures >= failuresPerCommit)',
    replace: 'if (failures >= failuresPerCommit)',
    noticedBy: only('an overloaded D1', integration('database-failures')),
  },
  {
    name: 'a commit goes on after its deadline',
    file: 'src/cqrs/writing/d1-unit-of-work.ts',
    find: 'if (clock.now() + afterMs + deadlines.requestCallMs > until) throw giveUp(cause);',
    replace: '',
    noticedBy: integration('database-failures'),
  },
  {
    name: 'a lost response to a command without events is not looked for',
    file: 'src/cqrs/writing/d1-unit-of-work.ts',
    find: 'if (stored) throw new ConcurrencyError();',
    replace: '',
    noticedBy: only('whose response could not be stored', integration('database-failures')),
  },
  {
    name: 'the events of an open commit are looked for on a replica',
    file: 'src/cqrs/writing/d1-unit-of-work.ts',
    find: "lookForCommit(openSession(database, 'first-primary'), context",
    replace: "lookForCommit(openSession(database, 'first-unconstrained'), context",
    noticedBy: only('are looked for on the primary', integration('database-failures')),
  },
  {
    name: 'a call of D1 has no deadline',
    file: 'src/platform/d1.ts',
    find: "return await withDeadline(ms(), wait, run, () => new DatabaseFailure('TIMED_OUT'));",
    replace: 'return await run();',
    noticedBy: unit('deadline'),
  },
  {
    name: 'a failure of D1 keeps the class that the platform gave it',
    file: 'src/platform/d1.ts',
    find: `    } catch (error) {
      throw toDatabaseFailure(error);
    }
  };`,
    replace: `    } catch (error) {
      throw error;
    }
  };`,
    noticedBy: unit('deadline'),
  },
  {
    name: 'what a person typed counts as a refusal of D1',
    file: 'src/platform/d1.ts',
    find: 'if (!(current instanceof DrizzleQueryError)) yield',
    replace: 'yield',
    noticedBy: unit('deadline'),
  },
  {
    name: 'an overloaded D1 is not recognised',
    file: 'src/platform/d1.ts',
    find: "isOverloaded(error) ? 'OVERLOADED' : 'FAILED'",
    replace: "'FAILED'",
    noticedBy: only('an overloaded D1', integration('database-failures')),
  },
  {
    name: 'work that takes too long has no error',
    file: 'src/platform/deadline.ts',
    find: 'throw late();',
    replace: '',
    noticedBy: unit('deadline'),
  },
  {
    name: 'work that was done in time leaves a timer',
    file: 'src/platform/deadline.ts',
    find: 'waiting.abort();',
    replace: '',
    noticedBy: unit('deadline'),
  },
  {
    name: 'callers that failed together come back together',
    file: 'src/platform/retry.ts',
    find: 'ceiling / 2 + (ceiling / 2) * random()',
    replace: 'ceiling',
    noticedBy: unit('deadline'),
  },
  {
    name: 'the pauses between tries do not double',
    file: 'src/platform/retry.ts',
    find: 'firstMs * 2 ** (attempt - 1)',
    replace: 'firstMs',
    noticedBy: unit('deadline'),
  },
  {
    name: 'a Consistency-Token that anybody made is accepted',
    file: 'src/http/consistency-tokens.ts',
    find: "if (!isAuthentic(text)) throw new Error('The MAC is not the one of this token.');",
    replace: '',
    noticedBy: unit('platform'),
  },
  {
    name: 'a Consistency-Token can be written in two ways',
    file: 'src/http/consistency-tokens.ts',
    find: ' || base64url.encode(given) !== mac',
    replace: '',
    noticedBy: unit('platform'),
  },
  {
    name: 'a Consistency-Token ends with a change of the secret',
    file: 'src/http/consistency-tokens.ts',
    find: 'secrets.some((secret)',
    replace: 'secrets.slice(0, 1).some((secret)',
    noticedBy: unit('platform'),
  },
  {
    name: 'a Consistency-Token has any length',
    file: 'src/cqrs/log/consistency-token.ts',
    find: "if (token.length > 512) throw new Error('The token is longer than any that this API makes.');",
    replace: '',
    noticedBy: unit('platform'),
  },
  {
    name: 'a stranger gets a position of the log',
    file: 'src/http/responses.ts',
    find: 'if (c.var.caller) setConsistencyToken(c, commit);',
    replace: 'setConsistencyToken(c, commit);',
    noticedBy: only('a stranger gets no position', integration('access')),
  },
  {
    name: 'a grant has no Consistency-Token',
    file: 'src/http/responses.ts',
    find: `  setConsistencyToken(c, commit);
}

/** 201`,
    replace: `}

/** 201`,
    noticedBy: only('an access token for 15 minutes', integration('signing-in')),
  },
  {
    name: 'strangers with the same key share their commands',
    file: 'src/cqrs/writing/command.ts',
    find: 'if (caller !== undefined) return { requestHashes };',
    replace: 'return { requestHashes };',
    noticedBy: unit('command'),
  },
  {
    name: 'a command of a stranger is forgotten with a change of the secret',
    file: 'src/cqrs/writing/command.ts',
    find: ', formerCommandIds: formerIds',
    replace: '',
    noticedBy: unit('command'),
  },
  {
    name: 'a command of a stranger is found by its first id alone',
    file: 'src/cqrs/writing/idempotency.ts',
    find: '[commandId, ...formerCommandIds]',
    replace: '[commandId]',
    noticedBy: only('after a change of the token secret', integration('conditional')),
  },
  {
    name: 'a command with an unknown outcome runs again with new events',
    file: 'src/cqrs/writing/command.ts',
    find: " && error.kind !== 'unavailable';",
    replace: ';',
    noticedBy: unit('command'),
  },
  {
    name: 'a command that lost a race runs again at once',
    file: 'src/cqrs/writing/command.ts',
    find: "if (current.readFrom === 'first-primary') await wait(backoffMs(attempt, pauses));",
    replace: '',
    noticedBy: unit('command'),
  },
  {
    name: 'the client keeps a Consistency-Token that the API refuses',
    file: 'src/client.ts',
    find: 'if (newestToken === used) newestToken = undefined;',
    replace: '',
    noticedBy: unit('client'),
  },
  {
    name: 'the client does not repeat a request whose Consistency-Token was refused',
    file: 'src/client.ts',
    find: "if (code !== 'http.invalid-consistency-token') return response;",
    replace: 'return response;',
    noticedBy: unit('client'),
  },
  {
    name: 'the client repeats a request after every 400',
    file: 'src/client.ts',
    find: "if (code !== 'http.invalid-consistency-token') return response;",
    replace: '',
    noticedBy: unit('client'),
  },
  {
    name: 'the client waits for hours when the API says so',
    file: 'src/client.ts',
    find: 'const isOver = isLast || atLeastMs > longestWaitMs;',
    replace: 'const isOver = isLast;',
    noticedBy: unit('client'),
  },
  {
    name: 'the client does not read what it registered',
    file: 'src/client.ts',
    find: 'if (hasUnprovenCommand) keepNewestToken(response);',
    replace: '',
    noticedBy: unit('client'),
  },
  {
    name: 'the client reads all documents from D1 after a sign-in',
    file: 'src/client.ts',
    find: 'if (hasUnprovenCommand) keepNewestToken(response);',
    replace: 'keepNewestToken(response);',
    noticedBy: unit('client'),
  },
  {
    name: 'the readiness check waits for KV for ever',
    file: 'src/operations/readiness.ts',
    find: "withDeadline(deadlines.readinessMs, wait, () => documents.getAll(['ready']), late)",
    replace: "documents.getAll(['ready'])",
    noticedBy: only('a KV that never answers', integration('database-failures')),
  },
  {
    name: 'commands of strangers that change nothing fill a table',
    file: 'src/cqrs/writing/d1-unit-of-work.ts',
    find: 'context.storesOnlyChanges ? [] : storeResponse',
    replace: 'storeResponse',
    noticedBy: only('a stranger whose command changes nothing', integration('conditional')),
  },
];
