const longestName = 50;
const mostWords = 5;

/**
 * Letters with their marks, spaces, apostrophes, hyphens and dots. A dot before a letter would make a link of some mail
 * programs, so it needs a space between; digits, slashes, colons and at signs are left out for the same reason.
 */
const harmless = /^\p{L}(?:[\p{L}\p{M} '’-]|\.(?![\p{L}\p{M}]))*$/u;

/**
 * The name of a person, where it may stand in an e-mail: undefined for a name that could be a link or an advertisement.
 * Anybody can type a name and register with the address of somebody else, who then gets an e-mail with it.
 */
export function toPrintableName(name: string): string | undefined {
  const trimmed = name.trim();
  const isShort = trimmed.length <= longestName && trimmed.split(/ +/).length <= mostWords;
  return isShort && harmless.test(trimmed) ? trimmed : undefined;
}
