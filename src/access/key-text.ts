import { createHmac, randomBytes } from 'node:crypto';

/** The start of every API key, by which people and scanners recognise it. */
const start = 'fd_';
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** How many digits of base 62 a UUID, 256 bits and a CRC-32 need. */
const lengths = { id: 22, secret: 43, checksum: 6 };

/**
 * The form of an API key, for secret scanners: after `fd_` the key's id and its account's id, a secret of 256 bits, and the
 * checksum of all that stands before it (CRC-32). All parts are numbers in base 62 with leading zeros.
 */
export const keyPattern = /^fd_([0-9A-Za-z]{22})([0-9A-Za-z]{22})[0-9A-Za-z]{43}([0-9A-Za-z]{6})$/;

/** What names an API key; neither is a secret. */
export interface KeyName {
  keyId: string;
  userId: string;
}

/** Whether a Bearer credential is meant as an API key. An access token never starts so. */
export function isKeyText(credential: string): boolean {
  return credential.startsWith(start);
}

function toBase62(hex: string, length: number): string {
  let rest = BigInt(`0x${hex}`);
  let text = '';
  while (text.length < length) {
    text = `${digits[Number(rest % 62n)]}${text}`;
    rest /= 62n;
  }
  return text;
}

function toUuid(text: string): string | undefined {
  const value = [...text].reduce((sum, digit) => sum * 62n + BigInt(digits.indexOf(digit)), 0n);
  const hex = value.toString(16).padStart(32, '0');
  if (hex.length > 32) return undefined;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const uuidToBase62 = (id: string) => toBase62(id.replaceAll('-', ''), lengths.id);

/** CRC-32 (ISO 3309, as in gzip) of a text of ASCII characters. */
export function crc32(text: string): number {
  let crc = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

const checksumOf = (text: string) => toBase62(crc32(text).toString(16), lengths.checksum);

/** The first characters of a key, which name it and are no secret. */
export function keyPrefix(keyId: string): string {
  return `${start}${uuidToBase62(keyId)}`;
}

/** Reads what a key names; undefined for a text that is no key, for example one with a typing error. */
export function readKeyText(text: string): KeyName | undefined {
  const [, id, owner, checksum] = keyPattern.exec(text) ?? [];
  if (!id || !owner || checksumOf(text.slice(0, -lengths.checksum)) !== checksum) return undefined;
  const [keyId, userId] = [toUuid(id), toUuid(owner)];
  return keyId && userId ? { keyId, userId } : undefined;
}

/** Makes the texts of API keys, and what is stored of them. */
export interface KeyTexts {
  /** Random text with which a new key is made; without it, the secrets of the configuration do not tell the key. */
  newSeed(): string;
  /**
   * The text of a key. A repeated request gets the same text again, which is stored nowhere.
   * @param hash the stored hash, which tells with which secret of the configuration the key was made
   * @returns undefined if that secret is gone
   */
  textOf(name: KeyName, seed: string, hash?: string): string | undefined;
  /** The hashes of a key's text with each secret of the configuration, the current one first; the first is stored. */
  hashesOf(text: string): readonly [string, ...string[]];
}

/** @param hashesOf keyed hashes of a text, one for each secret: the text has 256 random bits, so a fast hash is enough */
export function createKeyTexts(
  tokenSecrets: readonly [string, ...string[]],
  hashesOf: (text: string) => [string, ...string[]],
): KeyTexts {
  const hashes: KeyTexts['hashesOf'] = (text) => hashesOf(`api-key:${text}`);

  function textWith(secret: string, { keyId, userId }: KeyName, seed: string): string {
    const mac = createHmac('sha256', secret).update(`api-key:${keyId}:${userId}:${seed}`).digest('hex');
    const text = `${keyPrefix(keyId)}${uuidToBase62(userId)}${toBase62(mac, lengths.secret)}`;
    return `${text}${checksumOf(text)}`;
  }

  return {
    newSeed: () => randomBytes(32).toString('base64url'),
    textOf: (name, seed, hash) =>
      tokenSecrets
        .map((secret) => textWith(secret, name, seed))
        .find((text) => hash === undefined || hashes(text).includes(hash)),
    hashesOf: hashes,
  };
}
