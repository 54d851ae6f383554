/** An object that is made when one of its members is used for the first time: most requests use the members of few objects. */
export function lazily<Members extends object>(make: () => Members): Members {
  let made: Members | undefined;
  return new Proxy({} as Members, {
    get(_target, name) {
      made ??= make();
      return Reflect.get(made, name);
    },
  });
}
