// Lines that wait to be written, as bytes. A job's line is put together here number by number: as texts, its parts would take
// several times as long, and there may be thousands of jobs a second.
const SMALLEST = 16 * 1024;
/** Room for any whole number, or for a piece of a line as it is in the code. */
const MOST_AT_ONCE = 32;

export class Bytes {
  #buffer: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(SMALLEST);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** ASCII without a character that JSON escapes, of at most 32 characters. */
  piece(text: string): this {
    this.#makeRoom(MOST_AT_ONCE);
    for (let i = 0; i < text.length; i++) this.#buffer[this.#length + i] = text.charCodeAt(i);
    this.#length += text.length;
    return this;
  }

  comma(): this {
    this.#makeRoom(1);
    this.#buffer[this.#length++] = 0x2c;
    return this;
  }

  /** Any text. */
  text(text: string): this {
    this.#makeRoom(3 * text.length);
    this.#length += this.#buffer.write(text, this.#length, 'utf8');
    return this;
  }

  /** A text as JSON. */
  json(text: string): this {
    const before = this.#length;
    this.#makeRoom(text.length + 2);
    const buffer = this.#buffer;
    let at = before;
    buffer[at++] = 0x22;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c)
        return this.text(JSON.stringify(text));
      buffer[at++] = code;
    }
    buffer[at++] = 0x22;
    this.#length = at;
    return this;
  }

  /** A whole number, of which negative ones become -1. */
  int(value: number): this {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) return this.piece('-1');
    this.#makeRoom(MOST_AT_ONCE);
    let width = 1;
    for (let limit = 10; value >= limit && width < 16; limit *= 10) width += 1;
    this.#digits(value, width);
    return this;
  }

  /** What was added since its length was `from`. */
  since(from: number): string {
    return this.#buffer.toString('utf8', from, this.#length);
  }

  /** What is there; it begins again with nothing. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafeSlow(SMALLEST);
    this.#length = 0;
    return taken;
  }

  /** The last `width` digits. Small numbers divide faster. */
  #digits(value: number, width: number): void {
    if (width > 8) {
      const high = Math.floor(value / 1e8);
      this.#digits(high, width - 8);
      this.#digits(value - high * 1e8, 8);
      return;
    }
    let rest = value | 0;
    for (let at = this.#length + width - 1; at >= this.#length; at--) {
      const tens = (rest / 10) | 0;
      this.#buffer[at] = 0x30 + rest - tens * 10;
      rest = tens;
    }
    this.#length += width;
  }

  #makeRoom(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
