import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** scrypt's parameters: N = 2^ln, r, p (RFC 7914). */
export interface HashParameters {
  ln: number;
  r: number;
  p: number;
}

/** The parameters of new hashes: the OWASP cheat sheet's equivalent of 2^17, 8, 1 in less memory. */
export const currentParameters: HashParameters = { ln: 14, r: 8, p: 5 };

const keyBytes = 32;
const saltBytes = 16;

function derive(password: string, salt: Uint8Array, { ln, r, p }: HashParameters): Promise<Buffer> {
  const N = 2 ** ln;
  return new Promise((resolve, reject) => {
    // With NFKC the same password gives the same bytes on every keyboard.
    scrypt(password.normalize('NFKC'), salt, keyBytes, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}

function toPhc({ ln, r, p }: HashParameters, salt: string, key: string): string {
  return `$scrypt$ln=${ln},r=${r},p=${p}$${salt}$${key}`;
}

/**
 * Hashes a password as a PHC string (`$scrypt$ln=14,r=8,p=5$salt$hash`). One hash takes about 150 ms of CPU, and the
 * isolate does nothing else meanwhile, so commands hash through `Passwords` of access/passwords.ts.
 */
export async function hashPassword(password: string, parameters = currentParameters): Promise<string> {
  const salt = randomBytes(saltBytes);
  const key = await derive(password, salt, parameters);
  return toPhc(parameters, toBase64(salt), toBase64(key));
}

/** A hash of no password that anybody knows, in the form of the others, for an account to which nobody may sign in. */
export function unusableHash(): string {
  return toPhc(currentParameters, toBase64(randomBytes(saltBytes)), toBase64(randomBytes(keyBytes)));
}

const phcPattern = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

export interface PasswordVerification {
  ok: boolean;
  /** Whether the hash was made with other parameters than those of new hashes. */
  needsRehash: boolean;
}

/** Verifies a password in constant time. Without a hash the password is wrong, and the check takes the same time. */
export async function verifyPassword(
  password: string,
  phc: string | undefined,
  current = currentParameters,
): Promise<PasswordVerification> {
  // The placeholder belongs to no password. It is verified when there is no account, so that the response takes as long.
  const placeholder = toPhc(current, 'A'.repeat(22), 'A'.repeat(43));
  const [, ln, r, p, salt, hash] = phcPattern.exec(phc ?? placeholder) ?? [];
  if (!salt || !hash) throw new Error('A stored password hash is not a scrypt PHC string.');
  const parameters = { ln: Number(ln), r: Number(r), p: Number(p) };
  const expected = Buffer.from(hash, 'base64');
  const key = await derive(password, Buffer.from(salt, 'base64'), parameters);
  const ok = phc !== undefined && key.length === expected.length && timingSafeEqual(key, expected);
  const isCurrent = parameters.ln === current.ln && parameters.r === current.r && parameters.p === current.p;
  return { ok, needsRehash: ok && !isCurrent };
}
