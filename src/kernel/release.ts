// The release stack: whatever is acquired pushes its release, and close runs them in reverse, all of them.
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { withDeadline } from '../net/timing.ts';

type Release = () => void | Promise<void>;

/** A release that takes longer is logged, and the others continue: a node must end. */
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

  /** Something acquired after the end, by a boot that was stopped meanwhile, is released at once. */
  push(name: string, release: Release): void {
    this.#stack.push({ name, release });
    if (this.#closed) void this.releaseAll();
  }

  /** Runs every release once. One that fails or hangs is logged and does not hold up the others. Never rejects. */
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
    const late = `it takes longer than ${this.#timeoutMs / 1000} s; continuing without it`;
    try {
      await withDeadline(release(), this.#timeoutMs, late);
    } catch (thrown) {
      this.#log.error(`closing ${name} failed: ${messageOf(thrown)}`);
    }
  }
}
