// Which lines of a log are shown: since a time, from a level on, of one job. A line that continues another one, such as
// one of a stack, is shown with it; what an executor has printed has the time of the line before it, and the level `info`.
import { isLogLevel, LogLevels, type LogLevel } from '../../log/levels.ts';
import { onOneLine } from '../../printable.ts';
import { recordIn } from '../../protocol/text.ts';

export interface LogFilter {
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly level?: LogLevel | undefined;
  readonly job?: string | undefined;
}

interface Head {
  readonly time: number;
  readonly level: LogLevel;
}

/** As the log in text has it. */
const TEXT_HEAD = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (DEBUG|INFO|WARN|ERROR)\b/;
/** A longer one is no line of ours. */
const LONGEST_JSON = 1024 * 1024;

export class LineFilter {
  readonly #since: number;
  readonly #levels: LogLevels;
  /** As the two formats write it. */
  readonly #job: readonly string[];
  /** Of the line before. */
  #time = -Infinity;
  #isShown = false;

  constructor({ since = -Infinity, level = 'debug', job }: LogFilter) {
    this.#since = since;
    this.#levels = new LogLevels(level);
    this.#job = job === undefined ? [] : [onOneLine(job), onOneLine(JSON.stringify(job).slice(1, -1))];
  }

  /** Whether the next line, without its line break, is shown. */
  takes(line: string): boolean {
    const head = headOf(line);
    if (head === undefined && /^\s/.test(line)) return this.#isShown;
    this.#time = head?.time ?? this.#time;
    this.#isShown =
      this.#time >= this.#since &&
      this.#levels.shows(head?.level ?? 'info', '') &&
      (this.#job.length === 0 || this.#job.some((job) => names(line, job)));
    return this.#isShown;
  }
}

function headOf(line: string): Head | undefined {
  const [, text, word = ''] = TEXT_HEAD.exec(line) ?? [];
  if (text !== undefined) return headFrom(text, word.toLowerCase());
  if (!line.startsWith('{"') || line.length > LONGEST_JSON) return undefined;
  const record = recordIn(line);
  return record === undefined ? undefined : headFrom(record['time'], record['level']);
}

function headFrom(text: unknown, level: unknown): Head | undefined {
  const time = typeof text === 'string' ? Date.parse(text) : NaN;
  return Number.isNaN(time) || !isLogLevel(level) ? undefined : { time, level };
}

/** Whether `line` has `job` as a word: `job-1` is not in `job-10`, `job-1-a` or `job-1.5`. */
function names(line: string, job: string): boolean {
  for (let at = line.indexOf(job); at >= 0; at = line.indexOf(job, at + 1)) {
    const before = line.slice(Math.max(0, at - 2), at);
    const after = line.slice(at + job.length, at + job.length + 2);
    if (!/(?:[\w-]|\w\.)$/.test(before) && !/^(?:[\w-]|\.\w)/.test(after)) return true;
  }
  return false;
}
