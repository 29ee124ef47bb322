// The release stack: whatever is acquired pushes its release, and close runs them in reverse, all of them.
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';

type Release = () => void | Promise<void>;

/** A release that takes longer is named, and the others go on: a node must end. */
const RELEASE_TIMEOUT_MS = 10_000;

export class ReleaseStack {
  readonly #log: Logger;
  readonly #timeoutMs: number;
  readonly #stack: { name: string; release: Release }[] = [];
  #releasing: Promise<void> | undefined;
  #closed = false;

  constructor(log: Logger, timeoutMs = RELEASE_TIMEOUT_MS) {
    this.#log = log;
    this.#timeoutMs = timeoutMs;
  }

  /** What is acquired after the end, by a boot that was overtaken by its own stop, is released at once. */
  push(name: string, release: Release): void {
    this.#stack.push({ name, release });
    if (this.#closed) void this.releaseAll();
  }

  /** Runs every release once; a failing or a hanging one is logged and does not hold up the others. Never rejects. */
  releaseAll(): Promise<void> {
    this.#closed = true;
    this.#releasing ??= this.#run();
    return this.#releasing;
  }

  async #run(): Promise<void> {
    for (let entry = this.#stack.pop(); entry !== undefined; entry = this.#stack.pop()) {
      await this.#release(entry.name, entry.release);
    }
    this.#releasing = undefined;
  }

  async #release(name: string, release: Release): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const text = `it takes longer than ${this.#timeoutMs / 1000} s; going on without it`;
      timer = setTimeout(() => reject(new Error(text)), this.#timeoutMs);
    });
    try {
      await Promise.race([release(), late]);
    } catch (thrown) {
      this.#log.error(`closing ${name} failed: ${messageOf(thrown)}`);
    } finally {
      clearTimeout(timer);
    }
  }
}
