import type { Caller } from './caller';
import { accessErrors } from './errors';
import type { Scope } from './scopes';

/** The scope that an API key needs for each operation. Without an entry, no key may carry out the operation. */
export type OperationScopes<Operations> = { readonly [Name in keyof Operations]?: Scope };

/**
 * Limits commands or queries to the scopes of the caller's API key. They are bound to the request here, so no route can call
 * one without this check. A caller without a key, and a visitor, keep all of them.
 */
export function withinScopes<Operations extends object>(
  caller: Caller | undefined,
  operations: Operations,
  scopeOf: OperationScopes<Operations>,
): Operations {
  const key = caller?.key;
  if (!key) return operations;
  return new Proxy(operations, {
    get(target, name, receiver) {
      const operation: unknown = Reflect.get(target, name, receiver);
      if (typeof operation !== 'function') return operation;
      return (...input: unknown[]) => {
        // The table has an entry for names of operations alone.
        const scope = scopeOf[name as keyof Operations];
        if (scope === undefined) throw accessErrors.keyNotAllowed({});
        if (!key.scopes.includes(scope)) throw accessErrors.insufficientScope({ scope });
        return Reflect.apply(operation, target, input);
      };
    },
  });
}
