// Cuts what is read piece by piece into lines.
import { StringDecoder } from 'node:string_decoder';

/** What is longer is no line of a log; the rest of it is left out. */
export const LONGEST_LINE = 1024 * 1024;

export class Lines {
  readonly #take: (line: string) => void;
  #decoder = new StringDecoder('utf8');
  #rest = '';

  /** `take` gets each line without its line break. */
  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  add(piece: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(piece)).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    for (const line of lines) this.#take(line.slice(0, LONGEST_LINE));
  }

  /** The file ends: what is left is a line. */
  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (rest !== '') this.#take(rest);
  }
}
