// The log that OpenVPN writes by itself, so that it can outlive the node: kept small here, however much a server makes it
// say. The end of what it said stays, and what is dropped is counted.
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import type { Logger } from '../../src/index.ts';

const LOOK_EVERY_MS = 1_000;
const SAY_EVERY_MS = 60_000;
const LONGEST = 10 * 1024 * 1024;
const KEPT = 64 * 1024;
const MIB = 1024 * 1024;

export class OpenvpnLog {
  readonly #path: string;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #dropped = 0;
  #sayAt = 0;

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  watch(): void {
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    try {
      this.#dropped += trim(this.#path);
    } catch {
      // There is no log, or the disk cannot be written.
    }
    if (this.#dropped === 0 || performance.now() < this.#sayAt) return;
    this.#log.warn(
      `OpenVPN logs very much: ${Math.ceil(this.#dropped / MIB)} MiB of ${this.#path} were dropped; its last lines say what it is about`,
    );
    this.#dropped = 0;
    this.#sayAt = performance.now() + SAY_EVERY_MS;
  }
}

/** Returns how many bytes were dropped. OpenVPN appends, so it writes on behind what is kept. */
function trim(path: string): number {
  const file = openSync(path, 'r+');
  try {
    const { size } = fstatSync(file);
    if (size <= LONGEST) return 0;
    const kept = Buffer.alloc(KEPT);
    const read = readSync(file, kept, 0, KEPT, size - KEPT);
    ftruncateSync(file);
    const dropped = size - read;
    writeSync(
      file,
      Buffer.concat([Buffer.from(`(${dropped} bytes dropped by coda-node)\n`), kept.subarray(0, read)]),
    );
    return dropped;
  } finally {
    closeSync(file);
  }
}
