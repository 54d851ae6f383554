import { DomainError } from './errors';

export type LogFields = Record<string, string | number | boolean | null | undefined>;

/** Writes one JSON line for each entry. `event` is a stable name (`relay.ran`). Fields never contain personal data. */
export interface Logger {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, error: unknown, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

/** Describes an error without its message, which may contain text that a person typed or a statement's bound values. */
function describe(error: unknown): LogFields {
  if (error instanceof DomainError) return { error: error.name, code: error.code };
  if (!(error instanceof Error)) return {};
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line));
  const cause = error.cause instanceof Error ? error.cause.name : undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return {
    error: error.name,
    code,
    cause,
    stack: frames
      ?.slice(0, 8)
      .map((line) => line.trim())
      .join('\n'),
  };
}

export function createLogger(base: LogFields = {}, write: (line: string) => void = console.log): Logger {
  const entry = (level: string, event: string, fields?: LogFields) =>
    write(JSON.stringify({ level, event, time: new Date().toISOString(), ...base, ...fields }));
  return {
    info: (event, fields) => entry('info', event, fields),
    warn: (event, fields) => entry('warn', event, fields),
    error: (event, error, fields) => entry('error', event, { ...fields, ...describe(error) }),
    child: (fields) => createLogger({ ...base, ...fields }, write),
  };
}
