// The tokens of OpenQASM (the grammar's lexer): one at a time, in the fields of the scanner, since a circuit has hundreds
// of thousands of them.
import { onOneLine } from '../printable.ts';
import { Fault } from './diagnostics.ts';
import {
  CLASSES,
  COMPOUND,
  DIGIT,
  KINDS,
  LETTER,
  NUMBER,
  SIMPLE,
  SPACE,
  STRING,
  SYMBOL_OF,
  UNIT,
  UNITS,
  WORD,
  type TokenKind,
} from './tokens.ts';

export class Scanner {
  readonly text: string;
  /** Of the token: what it is, and where. */
  kind: TokenKind = 'end';
  start = 0;
  end = 0;
  /** Where the token before it ends. */
  before = 0;
  /** Of a name: itself; of a string: what is between its quotes. */
  word = '';
  /** Of a number; of a hardware qubit its index, of a duration its nanoseconds. */
  value = 0;
  /** Of a number that has one which is no time: `deg` or `rad`. */
  unit = '';
  /** OpenQASM 2 has no units. */
  hasUnits = true;

  readonly #words: (string | undefined)[] = Array.from({ length: 256 }, () => undefined);

  constructor(text: string) {
    this.text = text;
  }

  /** Goes on to the next token. Throws a Fault at what is none. */
  next(): void {
    const { text } = this;
    let at = this.end;
    this.before = at;
    let code = text.charCodeAt(at);
    for (;;) {
      while (code <= 32 && CLASSES[code] === SPACE) code = text.charCodeAt(++at);
      if (code !== 47 /* / */) break;
      const following = text.charCodeAt(at + 1);
      if (following !== 47 && following !== 42 /* * */) break;
      at = this.#afterComment(at, following === 47);
      code = text.charCodeAt(at);
    }
    this.start = at;
    switch (code < 128 ? CLASSES[code] : 0) {
      case LETTER: {
        let hash = 0;
        do {
          hash = hash * 31 + code;
          code = text.charCodeAt(++at);
        } while (code < 128 && (CLASSES[code]! & (LETTER | DIGIT)) !== 0);
        if (code >= 128) return this.#unicodeWord();
        this.kind = 'name';
        this.word = this.#wordOf(hash & 255, at);
        this.end = at;
        return;
      }
      case DIGIT:
        return this.#number(at, code);
      case SIMPLE:
        this.kind = SYMBOL_OF[code] ?? 'end';
        this.end = at + 1;
        return;
      default:
        return this.#other(at, code);
    }
  }

  /** The word that ends at `end`. One that was met before is the same string, which is found faster in a table. */
  #wordOf(place: number, end: number): string {
    const known = this.#words[place];
    if (known !== undefined && known.length === end - this.start && this.text.startsWith(known, this.start)) {
      return known;
    }
    const word = this.text.slice(this.start, end);
    this.#words[place] = word;
    return word;
  }

  /** What is behind the token on its line; the next token is on the next line. */
  restOfLine(): string {
    const newline = this.text.indexOf('\n', this.end);
    const stop = newline === -1 ? this.text.length : newline;
    const rest = this.text.slice(this.end, stop);
    this.end = stop;
    return rest.trim();
  }

  /** Goes behind the statement that has a fault: its `;`, or its block. Stays before a `}` that closes a block around it. */
  skipStatement(): void {
    const { text } = this;
    let at = Math.max(this.start, 0);
    for (let depth = 0; at < text.length; at++) {
      const character = text[at];
      if (character === '/' && (text[at + 1] === '/' || text[at + 1] === '*')) {
        const close = text[at + 1] === '/' ? text.indexOf('\n', at) : text.indexOf('*/', at + 2);
        at = close === -1 ? text.length : close + (text[at + 1] === '/' ? 0 : 1);
      } else if (character === '{') {
        depth += 1;
      } else if (character === '}') {
        if (depth === 0) break;
        depth -= 1;
        if (depth === 0) {
          at += 1;
          break;
        }
      } else if (character === ';' && depth === 0) {
        at += 1;
        break;
      }
    }
    this.end = Math.max(at, this.start);
  }

  #unicodeWord(): void {
    WORD.lastIndex = this.start;
    const [word = ''] = WORD.exec(this.text) ?? [];
    if (word === '') throw this.#unexpected();
    this.kind = 'name';
    this.word = word;
    this.end = this.start + word.length;
  }

  #number(start: number, first: number): void {
    const { text } = this;
    let at = start;
    let value = 0;
    let code = first;
    // Most numbers are alone in parentheses or brackets; whatever may be of another form is read by its pattern.
    while (code >= 48 && code <= 57) {
      value = value * 10 + (code - 48);
      code = text.charCodeAt(++at);
    }
    this.unit = '';
    let isFloat = false;
    if (code === 46 /* . */) {
      isFloat = true;
      do code = text.charCodeAt(++at);
      while (code >= 48 && code <= 57);
    }
    if (code === 101 /* e */) {
      isFloat = true;
      code = text.charCodeAt(++at);
      if (code === 45 /* - */) code = text.charCodeAt(++at);
      if (!(code >= 48 && code <= 57)) return this.#slowNumber();
      while (code >= 48 && code <= 57) code = text.charCodeAt(++at);
    }
    // Behind anything else there may be a unit, or it is another form of number.
    if (code !== 93 /* ] */ && code !== 41 /* ) */ && code !== 44 /* , */) return this.#slowNumber();
    this.kind = isFloat ? 'float' : 'integer';
    this.value = isFloat ? Number(text.slice(start, at)) : value;
    this.end = at;
    if (isFloat ? !Number.isFinite(this.value) : value > Number.MAX_SAFE_INTEGER) throw this.#tooLarge();
  }

  #slowNumber(): void {
    NUMBER.lastIndex = this.start;
    const [digits = ''] = NUMBER.exec(this.text) ?? [];
    if (digits === '') throw this.#unexpected();
    this.end = this.start + digits.length;
    this.kind = /^0[xXbBo]/.test(digits) || !/[.eE]/.test(digits) ? 'integer' : 'float';
    this.value = Number(digits.includes('_') ? digits.replaceAll('_', '') : digits);
    if (this.kind === 'integer' ? this.value > Number.MAX_SAFE_INTEGER : !Number.isFinite(this.value)) {
      throw this.#tooLarge();
    }
    if (this.hasUnits) this.#unitOfNumber();
    WORD.lastIndex = this.end;
    const [word] = WORD.exec(this.text) ?? [];
    if (word !== undefined) {
      this.end += word.length;
      throw new Fault(this.start, this.end, 'a number that goes on with letters', {
        hint: 'Put a space or an operator between the number and the name.',
      });
    }
  }

  #unitOfNumber(): void {
    UNIT.lastIndex = this.end;
    const [all = '', time, angle] = UNIT.exec(this.text) ?? [];
    if (all === '') return;
    const end = this.end + all.length;
    this.end = end;
    if (time === 'im') throw new Fault(this.start, end, 'complex numbers are not taken');
    if (time === 'dt') {
      throw new Fault(
        this.start,
        end,
        "the unit 'dt' depends on the device, and its length is not known here",
        {
          hint: 'Write the time in ns, us, ms or s.',
        },
      );
    }
    if (time === undefined) {
      this.unit = angle ?? '';
      return;
    }
    this.kind = 'duration';
    this.value *= UNITS[time] ?? NaN;
  }

  #other(at: number, code: number): void {
    const { text } = this;
    if (at >= text.length) {
      this.kind = 'end';
      this.end = text.length;
      return;
    }
    const following = text.charCodeAt(at + 1);
    if (code === 46 /* . */ && CLASSES[following] === DIGIT) {
      this.unit = '';
      return this.#slowNumber();
    }
    if (code === 36 /* $ */ && CLASSES[following] === DIGIT) return this.#hardware(at + 1);
    if (code === 34 /* " */ || code === 39 /* ' */) return this.#string();
    if (code >= 128) return this.#unicodeWord();
    COMPOUND.lastIndex = at;
    const one = SYMBOL_OF[code];
    if (one === undefined) throw this.#unexpected();
    const compound = following === 61 || following === code ? COMPOUND.exec(text)?.[0] : undefined;
    const two = compound === undefined ? KINDS.get(text.slice(at, at + 2)) : undefined;
    this.kind = compound === undefined ? (two ?? one) : 'assignment';
    this.end = at + (compound?.length ?? (two === undefined ? 1 : 2));
  }

  #afterComment(at: number, isLine: boolean): number {
    const close = isLine ? this.text.indexOf('\n', at) : this.text.indexOf('*/', at + 2);
    if (close !== -1) return close + (isLine ? 1 : 2);
    this.start = this.text.length;
    this.end = this.text.length;
    if (isLine) return this.text.length;
    throw new Fault(at, at + 2, 'a comment that is never closed', { expected: "'*/'" });
  }

  #hardware(digits: number): void {
    let at = digits;
    let value = 0;
    for (let code = this.text.charCodeAt(at); CLASSES[code] === DIGIT; code = this.text.charCodeAt(++at)) {
      value = value * 10 + (code - 48);
    }
    this.kind = 'hardware';
    this.value = value;
    this.end = at;
  }

  #string(): void {
    STRING.lastIndex = this.start;
    const [string] = STRING.exec(this.text) ?? [];
    if (string === undefined) {
      this.end = this.start + 1;
      throw new Fault(this.start, this.start + 1, 'a text that is not closed on its line', {
        expected: `another ${this.text[this.start]}`,
      });
    }
    this.kind = 'string';
    this.word = string.slice(1, -1);
    this.end = this.start + string.length;
  }

  #tooLarge(): Fault {
    return new Fault(this.start, this.end, 'a number that is too large');
  }

  #unexpected(): Fault {
    const character = String.fromCodePoint(this.text.codePointAt(this.start) ?? 0);
    this.end = this.start + character.length;
    return new Fault(this.start, this.end, `a character that has no meaning here: ${onOneLine(character)}`);
  }
}
