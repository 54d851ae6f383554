import type { Result, Router } from 'hono/router';
import { RegExpRouter } from 'hono/router/reg-exp-router';

const isPattern = (path: string) => /[:*]/.test(path);

/**
 * A router that matches a path with one regular expression, which costs each request less than hono's search in a tree. Hono's own
 * RegExpRouter refuses `/users/me` beside `/users/:id`, so routes without parameters are in a router of their own, and come
 * first. Patterns with `*` are in both, because they are the middleware.
 */
export class StaticFirstRouter<T> implements Router<T> {
  readonly name = 'StaticFirstRouter';
  readonly #statics = new RegExpRouter<T>();
  readonly #patterns = new RegExpRouter<T>();
  /** The routes of `#statics`, as `GET /v1/users/me`. */
  readonly #known = new Set<string>();

  add(method: string, path: string, handler: T): void {
    const isStatic = !isPattern(path);
    if (isStatic) this.#known.add(`${method} ${path}`);
    if (isStatic || path.includes('*')) this.#statics.add(method, path, handler);
    if (!isStatic) this.#patterns.add(method, path, handler);
  }

  match(method: string, path: string): Result<T> {
    const isStatic = this.#known.has(`${method} ${path}`) || this.#known.has(`ALL ${path}`);
    return (isStatic ? this.#statics : this.#patterns).match(method, path);
  }
}
