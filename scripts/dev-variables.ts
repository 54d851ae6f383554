// The variables with which `npm run dev` starts the Worker.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

type Variables = NodeJS.Dict<string>;

/** A new TOKEN_SECRET: 256 random bits. */
export function newTokenSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** The variables of this machine. Its secrets are made once and kept: whoever signs in today can sign in tomorrow. */
export function readVariables(): Variables {
  if (!existsSync('.dev.vars')) {
    const lines = [
      '# Made by `npm run dev` for this machine alone; .dev.vars.example explains each variable.',
      `TOKEN_SECRET="${newTokenSecret()}"`,
      'FIRST_ADMIN_EMAIL="admin@frontdesk.example"',
      `FIRST_ADMIN_PASSWORD="${randomBytes(12).toString('base64url')}"`,
      'EMAIL_TRANSPORT="console"',
    ];
    writeFileSync('.dev.vars', `${lines.join('\n')}\n`, { mode: 0o600 });
  }
  return parseEnv(readFileSync('.dev.vars', 'utf8'));
}

/**
 * The variables that `npm run dev` sets itself, and that wrangler gets as arguments, so no secret may be among them.
 * @param vars those of `.dev.vars`, which wrangler reads
 * @param url where the API listens: the links of e-mails lead there unless PUBLIC_URL names another address
 */
export function ownVariables(vars: Variables, environment: Variables, url: string) {
  return {
    LOG_FORMAT: environment.LOG_FORMAT ?? vars.LOG_FORMAT ?? 'text',
    PUBLIC_URL: vars.PUBLIC_URL ?? url,
  };
}
