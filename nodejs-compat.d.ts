// The part of Node.js that src/ may use; workerd has it behind the flag `nodejs_compat`. src/ is checked with these
// declarations instead of @types/node, so importing any other part of Node.js does not compile.

declare module 'node:crypto' {
  interface Digest {
    update(data: string | Uint8Array): Digest;
    digest(): Buffer;
    digest(encoding: 'base64url' | 'hex'): string;
  }
  interface ScryptOptions {
    N: number;
    r: number;
    p: number;
    maxmem: number;
  }
  export function createHash(algorithm: 'sha256'): Digest;
  export function createHmac(algorithm: 'sha256', key: string | Uint8Array): Digest;
  export function randomBytes(size: number): Buffer;
  export function timingSafeEqual(left: Uint8Array, right: Uint8Array): boolean;
  export function scrypt(
    password: string,
    salt: Uint8Array,
    keyLength: number,
    options: ScryptOptions,
    callback: (error: Error | null, derivedKey: Buffer) => void,
  ): void;
}

declare module 'node:dns/promises' {
  export function resolve4(hostname: string): Promise<string[]>;
}

interface Buffer extends Uint8Array {
  toString(encoding?: 'base64' | 'base64url' | 'hex'): string;
}

// @cloudflare/workers-types declares it as `any`. The first declaration counts, and TypeScript reads this file first.
declare var Buffer: {
  from(text: string, encoding: 'base64' | 'base64url' | 'hex'): Buffer;
  from(bytes: Uint8Array): Buffer;
};
