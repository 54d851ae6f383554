const beginnings: (() => void)[] = [];

/** Runs a function now, and again before each further file of tests of this process, because the files share all modules. */
export function forEachFile(begin: () => void): void {
  begin();
  beginnings.push(begin);
}

/** Lets the modules that the files of tests share begin anew. */
export function beginFile(): void {
  for (const begin of beginnings) begin();
}
