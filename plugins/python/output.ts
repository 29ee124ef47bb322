// What a driver prints, line by line in the node's log, with the job that runs. Bounded: a driver may print megabytes.
import { StringDecoder } from 'node:string_decoder';
import type { Logger } from '../../src/index.ts';
import { printable } from '../../src/kit.ts';

const LONGEST_LINE = 2_000;
const LINES_A_SECOND = 100;
/** Of the last lines, for the error of a process that dies. */
const KEPT_LINES = 40;
/** How Python's logging begins a line, in the format of the host. */
const LEVEL = /^(?:(WARNING)|(ERROR|CRITICAL)) /;

export class DriverOutput {
  readonly #log: Logger;
  readonly #jobOf: () => string | undefined;
  readonly #last: string[] = [];
  /** So many of them were there when the run began that is on the device. */
  #earlier = 0;
  /** Runs while lines are counted. */
  #second: NodeJS.Timeout | undefined;
  #lines = 0;
  #leftOut = 0;
  /** Whether a warning or an error is among them. */
  #isGrave = false;

  /** `jobOf`: the job that runs now, if one does. */
  constructor(log: Logger, jobOf: () => string | undefined) {
    this.#log = log;
    this.#jobOf = jobOf;
  }

  /** Takes what comes from a stream. `isError`: what a dying process writes last comes there. */
  read(stream: NodeJS.ReadableStream, isError: boolean): void {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    const add = (line: string): void => {
      if (isError) this.#keep(line);
      this.line(line);
    };
    const take = (text: string): void => {
      const lines = (rest + text).split(/\r?\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      // A line that never ends, such as a progress bar.
      if (rest.length > LONGEST_LINE) {
        lines.push(rest);
        rest = '';
      }
      for (const line of lines) add(line);
    };
    stream.on('data', (chunk: Buffer) => take(decoder.write(chunk)));
    stream.on('end', () => {
      if (rest !== '') add(rest);
      rest = '';
    });
    stream.on('error', () => {});
  }

  /** One line, as the driver's own. */
  line(text: string): void {
    if (text.trim() === '') return;
    this.#second ??= setTimeout(() => this.#nextSecond(), 1_000).unref();
    this.#lines += 1;
    const [, warning, error] = LEVEL.exec(text) ?? [];
    const level = error === undefined ? (warning === undefined ? 'info' : 'warn') : 'error';
    if (this.#lines > LINES_A_SECOND) {
      this.#leftOut += 1;
      this.#isGrave ||= level !== 'info';
      return;
    }
    const job = this.#jobOf();
    this.#log[level](printable(text, LONGEST_LINE), job === undefined ? undefined : { job });
  }

  #keep(text: string): void {
    if (text.trim() === '') return;
    this.#last.push(text.slice(0, LONGEST_LINE));
    if (this.#last.length <= KEPT_LINES) return;
    this.#last.shift();
    if (this.#earlier > 0) this.#earlier -= 1;
  }

  /** Says how many lines were too many so far. */
  flush(): void {
    clearTimeout(this.#second);
    this.#nextSecond();
  }

  /** From now on, `tail` is of what follows. */
  forget(): void {
    this.#last.length = 0;
    this.#earlier = 0;
  }

  /** As `forget`, for a run that has begun already: its first lines may be among those that have come since the run before
   *  it began, so these stay. */
  forgetEarlier(): void {
    if (this.#earlier > 0) this.#last.splice(0, this.#earlier);
    this.#earlier = this.#last.length;
  }

  /** The end of what was written lately: of a crash, what Python says of it. */
  tail(most: number): string {
    const fatal = this.#last.findLastIndex((line) => /^Fatal Python error|^Traceback \(/.test(line));
    const isTrace = fatal !== -1 && this.#last[fatal]?.startsWith('Traceback');
    const lines = fatal === -1 || isTrace ? this.#last.slice(-3) : this.#last.slice(fatal, fatal + 4);
    return lines
      .map((line) => line.trim())
      .join(' | ')
      .slice(0, most);
  }

  #nextSecond(): void {
    this.#second = undefined;
    if (this.#leftOut > 0) {
      // Where ordinary lines are not shown, nobody misses them.
      this.#log[this.#isGrave ? 'warn' : 'info'](
        `${this.#leftOut} further lines of the driver are left out: the log takes ${LINES_A_SECOND} a second`,
      );
    }
    this.#lines = 0;
    this.#leftOut = 0;
    this.#isGrave = false;
  }
}
