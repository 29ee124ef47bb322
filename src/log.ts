// The node's log: one line an event, for people on a terminal and for grep in a file. pino puts the lines together.
// Here, and not by the callers, secrets are hidden and unprintable characters escaped: no text from outside can leak one,
// or look like a line of the log or a code of the terminal.
import { pino, stdTimeFunctions } from 'pino';
import { LogLevels, type LogLevel } from './log/levels.ts';
import {
  answersOf,
  functionsOf,
  LONGEST_LINE,
  LONGEST_TEXT,
  OWN_NAMES,
  recordOf,
  shortened,
  textFrom,
  type LogFields,
} from './log/record.ts';
import { Redaction } from './log/redaction.ts';
import { asMessage, onOneLine } from './printable.ts';

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines carry `scope`, e.g. a plugin's name, and `fields`; a function among these is asked with each line. */
  child(scope: string, fields?: LogFields): Logger;
  /** From now on every line of this logger and its relatives shows `***` in place of `secret`. */
  mask(secret: string): void;
  /** `text` as a line of this logger would show it: without the secrets. */
  masked(text: string): string;
}

export type { LogFields };

export interface LogOptions {
  /** Which lines it shows. It may be changed later, if it is a LogLevels. */
  level?: LogLevel | LogLevels;
  format?: 'text' | 'json';
  /** Takes one finished line, without its newline. Default: standard error. */
  write?: (line: string) => void;
  /** Colour the level; set it for a terminal only. */
  colour?: boolean;
}

const COLOURS: Record<LogLevel, string> = { debug: '2', info: '36', warn: '33', error: '31' };
/** In a line for people, these are left out if the text says them anyway. */
const SAID_FIELDS = new Set(['job', 'plugin', 'hook']);

/** A line as pino has put it together. */
interface Line extends LogFields {
  readonly time: string;
  readonly level: LogLevel;
  readonly scope: string;
  readonly message: string;
}

export function createLogger(options: LogOptions = {}): Logger {
  const { level = 'info', format = 'text', colour = false } = options;
  const write = options.write ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const levels = typeof level === 'string' ? new LogLevels(level) : level;
  const redaction = new Redaction();

  const writeLine = (json: string): void => {
    const isLong = json.length > LONGEST_LINE;
    if (format === 'json' && !isLong) {
      write(onOneLine(redaction.hide(json.trimEnd())));
      return;
    }
    const whole = JSON.parse(json) as Line;
    const line = isLong ? (shortened(whole, redaction) as Line) : whole;
    if (format === 'json') write(onOneLine(redaction.hide(JSON.stringify(line))));
    else write(`${line.time} ${label(line.level, colour)} ${asMessage(redaction.hide(textOf(line)))}`);
  };

  const root = pino(
    {
      // What is shown is decided before.
      level: 'debug',
      base: null,
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (name) => ({ level: name }) },
    },
    { write: writeLine },
  );

  /** `name`: whose level counts. */
  const at = (scope: string, bound: LogFields): Logger => {
    const name = typeof bound['plugin'] === 'string' ? bound['plugin'] : (scope.split('.')[0] ?? '');
    levels.meet(name);
    const asked = functionsOf(bound);
    const out = root.child({ scope: redaction.cut(scope, LONGEST_TEXT), ...bound });
    const line = (of: LogLevel, message: string, fields: LogFields | undefined): void => {
      if (!levels.shows(of, name)) return;
      const own = recordOf(fields, redaction);
      const record = asked === undefined ? own : { ...own, ...recordOf(answersOf(asked), redaction), ...own };
      out[of](record, redaction.hideMessage(redaction.cut(textFrom(message), LONGEST_TEXT)));
    };
    return {
      debug: (message, fields) => line('debug', message, fields),
      info: (message, fields) => line('info', message, fields),
      warn: (message, fields) => line('warn', message, fields),
      error: (message, fields) => line('error', message, fields),
      child: (inner, more) => at(innerScope(scope, inner), { ...bound, ...recordOf(more, redaction) }),
      mask: (secret) => redaction.add(secret),
      masked: (text) => redaction.hide(text),
    };
  };
  return at('', {});
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

/** A plugin that names itself in its own log is not named twice. */
function innerScope(scope: string, inner: string): string {
  const isNamed = inner === '' || scope === inner || scope.endsWith(`.${inner}`);
  return isNamed ? scope : scope === '' ? inner : `${scope}.${inner}`;
}

function label(level: LogLevel, colour: boolean): string {
  const text = level.toUpperCase().padEnd(5);
  return colour ? `\u001b[${COLOURS[level]}m${text}\u001b[0m` : text;
}

function textOf(line: Line): string {
  const { scope, message } = line;
  const said = `${scope === '' ? '' : `${scope}: `}${message}`;
  const pairs = Object.entries(line)
    .filter(([name]) => !OWN_NAMES.has(name))
    .filter(([name, value]) => !(SAID_FIELDS.has(name) && said.includes(String(value))))
    .map(([name, value]) => ` ${name}=${textValue(value)}`);
  return `${said}${pairs.join('')}`;
}

function textValue(value: unknown): string {
  return typeof value === 'string' && /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
}
