// The node's log: one line an event, for people on a terminal and for grep in a file.
// Here, and not by the callers, secrets are masked and unprintable characters escaped: no text from outside can leak one,
// or look like a line of the log or a code of the terminal.
import { asMessage, onOneLine } from './printable.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines carry `scope`, e.g. a plugin's name. */
  child(scope: string): Logger;
  /** From now on every line of this logger and its relatives shows `***` in place of `secret`. */
  mask(secret: string): void;
  /** `text` as a line of this logger would show it: without the secrets. */
  masked(text: string): string;
}

export type LogFields = Readonly<Record<string, unknown>>;

export interface LogOptions {
  level?: LogLevel;
  format?: 'text' | 'json';
  /** Takes one finished line, without its newline. Default: standard error. */
  write?: (line: string) => void;
  /** Colour the level; set it for a terminal only. */
  colour?: boolean;
}

/** Values shorter than this are not masked: replacing them would garble every line. */
export const SHORTEST_SECRET = 6;
const COLOURS: Record<LogLevel, string> = { debug: '2', info: '36', warn: '33', error: '31' };

export function createLogger(options: LogOptions = {}): Logger {
  const { level = 'info', format = 'text', colour = false } = options;
  const write = options.write ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const threshold = LOG_LEVELS.indexOf(level);
  const secrets = new Set<string>();

  const line = (at: LogLevel, scope: string, message: string, fields: LogFields | undefined): void => {
    if (LOG_LEVELS.indexOf(at) < threshold) return;
    const time = new Date().toISOString();
    if (format === 'json') {
      const text = jsonLine({ time, level: at, scope, message, ...plainFields(fields) });
      write(onOneLine(maskSecrets(text, secrets)));
      return;
    }
    const text = asMessage(maskSecrets(textOf(scope, message, fields), secrets));
    write(`${time} ${label(at, colour)} ${text}`);
  };

  const at = (scope: string): Logger => ({
    debug: (message, fields) => line('debug', scope, message, fields),
    info: (message, fields) => line('info', scope, message, fields),
    warn: (message, fields) => line('warn', scope, message, fields),
    error: (message, fields) => line('error', scope, message, fields),
    child: (name) => at(scope === '' ? name : `${scope}.${name}`),
    mask: (secret) => {
      if (secret.length < SHORTEST_SECRET) return;
      secrets.add(secret);
      // A multi-line secret (a PEM key) appears escaped once it is inside JSON.
      const escaped = JSON.stringify(secret).slice(1, -1);
      if (escaped !== secret) secrets.add(escaped);
    },
    masked: (text) => maskSecrets(text, secrets),
  });
  return at('');
}

/** Tells whether trouble is news: what repeats is logged once, until it changes or ends. */
export class RepeatFilter {
  #last: string | undefined;

  /** The text that was news last; undefined if there is no trouble. */
  get last(): string | undefined {
    return this.#last;
  }

  /** Whether `text` differs from what was said last. */
  isNew(text: string): boolean {
    if (text === this.#last) return false;
    this.#last = text;
    return true;
  }

  /** The trouble is over; returns whether there was any. */
  clear(): boolean {
    const had = this.#last !== undefined;
    this.#last = undefined;
    return had;
  }
}

/** A logger that drops everything, for callers that want silence. */
export const silentLogger: Logger = createLogger({ write: () => {} });

export function maskSecrets(text: string, secrets: Iterable<string>): string {
  let masked = text;
  for (const secret of secrets) masked = masked.replaceAll(secret, '***');
  return masked;
}

/** Replaces the password of every URL in `text`: `redis://user:***@host`. */
export function maskUrlPasswords(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/]*@/gi, '$1:***@');
}

function label(level: LogLevel, colour: boolean): string {
  const text = level.toUpperCase().padEnd(5);
  return colour ? `\u001b[${COLOURS[level]}m${text}\u001b[0m` : text;
}

function textOf(scope: string, message: string, fields: LogFields | undefined): string {
  const pairs = Object.entries(plainFields(fields)).map(([key, value]) => ` ${key}=${textValue(value)}`);
  return `${scope === '' ? '' : `${scope}: `}${message}${pairs.join('')}`;
}

function textValue(value: unknown): string {
  return typeof value === 'string' && /^[\w./:@+-]+$/.test(value) ? value : jsonText(value);
}

function jsonLine(fields: LogFields): string {
  const pairs = Object.entries(fields).map(([key, value]) => `${JSON.stringify(key)}:${jsonText(value)}`);
  return `{${pairs.join(',')}}`;
}

/** Of anything: a value that JSON cannot hold, or that nests too deep, must not end who logs it. */
function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? JSON.stringify(String(value));
  } catch {
    return '"(cannot be shown)"';
  }
}

function plainFields(fields: LogFields | undefined): LogFields {
  if (fields === undefined) return {};
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, value instanceof Error ? errorText(value) : value]),
  );
}

function errorText(error: Error): string {
  const cause = error.cause instanceof Error ? `; cause: ${errorText(error.cause)}` : '';
  return `${error.name}: ${error.message}${cause}`;
}
