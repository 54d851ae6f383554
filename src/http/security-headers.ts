import { isOfConsole } from './console';

type Header = readonly [name: string, value: string];

/** The headers that every response has: those of OWASP's REST Security Cheat Sheet, and no other site may embed anything. */
const always: readonly Header[] = [
  ['Strict-Transport-Security', 'max-age=15552000; includeSubDomains'],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Referrer-Policy', 'no-referrer'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
];

/** A page may use what comes from this origin as a file, and nothing else. */
const pagePolicy = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self'",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
};

function withPolicy(policy: Readonly<Record<string, string>>, ...others: readonly Header[]): readonly Header[] {
  const directives = Object.entries(policy).map(([name, sources]) => `${name} ${sources}`);
  return [...always, ...others, ['Content-Security-Policy', directives.join('; ')]];
}

/** A page shares no process with a page of another site that has opened it. */
const isolated: Header = ['Cross-Origin-Opener-Policy', 'same-origin'];

/** A browser that shows data as a page loads nothing for it. */
const dataHeaders = withPolicy({ 'default-src': "'none'", 'frame-ancestors': "'none'" });
const pageHeaders = withPolicy(pagePolicy, isolated);
/** The console also turns no text into a script, so that what customers write stays text. */
const consoleHeaders = withPolicy(
  { ...pagePolicy, 'require-trusted-types-for': "'script'", 'trusted-types': "'none'" },
  isolated,
);
/** A page whose form works without a script. */
const formHeaders = withPolicy({ ...pagePolicy, 'form-action': "'self'" }, isolated);
const documentationHeaders = withPolicy(
  // Swagger UI sets style attributes and shows its icons as data URLs.
  { ...pagePolicy, 'style-src': "'self' 'unsafe-inline'", 'img-src': "'self' data:" },
  isolated,
);

/** The headers by which browsers protect who uses the API and its pages. They are constants: every request sets them. */
export function securityHeadersFor(path: string): readonly Header[] {
  if (path.startsWith('/v1/')) return dataHeaders;
  if (isOfConsole(path)) return consoleHeaders;
  if (path === '/unsubscribe') return formHeaders;
  return path === '/docs' ? documentationHeaders : pageHeaders;
}

/** The names of all these headers. */
export const securityHeaderNames: readonly string[] = pageHeaders.map(([name]) => name);
