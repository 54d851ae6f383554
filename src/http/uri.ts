/** Whether all percent-encoded bytes of a text are UTF-8. Decoders would replace other bytes without a word. */
export function isEncodedUtf8(text: string): boolean {
  // Raw characters are UTF-8 already, so the bytes between them must be complete characters too.
  const runs = text.match(/(?:%[\da-f]{2})+/gi) ?? [];
  return runs.every((run) => {
    try {
      decodeURIComponent(run);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * The path of a URL as a URI reference (RFC 3986, 4.2). The URL parser leaves some characters that a URI must encode, for
 * example `|` and a `%` that begins no encoded byte.
 */
export function pathReference(url: string): string {
  const path = new URL(url).pathname.replace(/%(?![\da-f]{2})|[^\w.~!$&'()*+,;=:@/%-]/gi, (character) =>
    character === '%' ? '%25' : encodeURIComponent(character),
  );
  // A reference that starts with two slashes would name a host.
  return path.startsWith('//') ? `/.${path}` : path;
}
