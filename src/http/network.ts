import type { RequestContext } from './context';

const mappedPrefix = '0:0:0:0:0:ffff:';

/** The eight groups of an IPv6 address without leading zeros; undefined for another text. */
function groupsOf(address: string): string[] | undefined {
  if (!/^[\da-f:.]+$/i.test(address)) return undefined;
  // The parser of URLs knows every form of an IPv6 address, and returns the one of RFC 5952, with hexadecimal groups only.
  const [, host] = /^\[(.*)\]$/.exec(URL.parse(`http://[${address}]/`)?.hostname ?? '') ?? [];
  if (host === undefined) return undefined;
  const [head = '', tail] = host.split('::');
  const split = (part: string) => (part === '' ? [] : part.split(':'));
  const [first, last] = [split(head), split(tail ?? '')];
  return [...first, ...Array<string>(8 - first.length - last.length).fill('0'), ...last];
}

/**
 * The network to which an address belongs, for limits: an IPv4 address, or the /64 of an IPv6 address, because a provider
 * gives a customer at least a /64. An IPv4 address in the form of an IPv6 address (`::ffff:192.0.2.7`) is an IPv4 address.
 * @returns undefined for a text that is no address
 */
export function networkOf(address: string): string | undefined {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(address)) return address;
  const groups = groupsOf(address);
  if (!groups) return undefined;
  if (!groups.join(':').startsWith(mappedPrefix)) return `${groups.slice(0, 4).join(':')}::/64`;
  return groups
    .slice(6)
    .map((group) => Number.parseInt(group, 16))
    .flatMap((value) => [value >> 8, value & 255])
    .join('.');
}

/** The client's network, from a header that only Cloudflare sets and that a client cannot forge. */
export function clientNetwork(c: RequestContext): string | undefined {
  const address = c.req.header('CF-Connecting-IP');
  return address === undefined ? undefined : networkOf(address.trim());
}
