import { findRefusal } from './d1';
import { type ConfigError, DomainError } from './errors';

export type LogFields = Record<string, string | number | boolean | null | undefined>;

export type LogFormat = 'json' | 'text';

/**
 * Writes each entry as a line of JSON or as text. `event` is a stable name (`relay.ran`). Fields contain ids and
 * figures, and never personal data.
 */
export interface Logger {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, error: unknown, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

/**
 * Describes an error without its message, which may contain text that a person typed or a statement's bound values. Of a
 * statement that D1 refused, it has what D1 wrote.
 */
function describe(error: unknown): LogFields {
  if (error instanceof DomainError) return { error: error.name, code: error.code };
  if (!(error instanceof Error)) return {};
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line));
  const cause = error.cause instanceof Error ? error.cause.name : undefined;
  const refusal = findRefusal(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : refusal?.code;
  return {
    error: error.name,
    code,
    cause,
    refusal: refusal?.message,
    stack: frames
      ?.slice(0, 8)
      .map((line) => line.trim())
      .join('\n'),
  };
}

function toText(name: string, value: LogFields[string]): string {
  const text = String(value);
  return `${name}=${/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)}`;
}

/** Formats an entry for people: `13:06:09Z POST /v1/users 201 152 ms`, or the event and its fields. */
function formatText(level: string, event: string, time: string, fields: LogFields): string {
  const clock = `${time.slice(11, 19)}Z`;
  if (event === 'request') return `${clock} ${fields.method} ${fields.route} ${fields.status} ${fields.durationMs} ms`;
  const { stack, traceparent: _, ...others } = fields;
  const known = Object.entries(others).filter(([, value]) => value !== undefined);
  // Figures of 0 beside another one only make a line long. Where all are 0, that nothing was done is the news.
  const figures = known.filter(([, value]) => typeof value === 'number');
  const given = figures.every(([, value]) => value === 0) ? known : known.filter(([, value]) => value !== 0);
  const line = [
    clock,
    ...(level === 'info' ? [] : [level.toUpperCase()]),
    event,
    ...given.map(([name, value]) => toText(name, value)),
  ];
  const frames = typeof stack === 'string' ? stack.split('\n').slice(0, 4) : [];
  return [line.join(' '), ...frames.map((frame) => `    ${frame}`)].join('\n');
}

/** Makes a logger that adds the fields of `base` to every entry. The format `text` is for development. */
export function createLogger(
  base: LogFields = {},
  write: (line: string) => void = console.log,
  format: LogFormat = 'json',
): Logger {
  function entry(level: string, event: string, fields?: LogFields) {
    const time = new Date().toISOString();
    if (format === 'json') write(JSON.stringify({ level, event, time, ...base, ...fields }));
    // The fields of the event come before those of the request, because they are new to the reader.
    else write(formatText(level, event, time, { ...fields, ...base, ...fields }));
  }
  return {
    info: (event, fields) => entry('info', event, fields),
    warn: (event, fields) => entry('warn', event, fields),
    error: (event, error, fields) => entry('error', event, { ...fields, ...describe(error) }),
    child: (fields) => createLogger({ ...base, ...fields }, write, format),
  };
}

/** Says in one line why an entry point cannot work, where the configuration that names the log's format is not usable. */
export function logConfigError(logger: Logger, error: ConfigError): void {
  logger.error('configuration.unusable', undefined, { problem: error.message });
}

/** The logger of an entry point that has no services yet. */
export function createFirstLogger(env: object, write: (line: string) => void = console.log): Logger {
  return createLogger({}, write, 'LOG_FORMAT' in env && env.LOG_FORMAT === 'text' ? 'text' : 'json');
}
