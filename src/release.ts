// The release stack: whatever is acquired pushes its release, and close runs them in reverse, all of them.
import { messageOf } from './errors.ts';
import type { Logger } from './log.ts';

type Release = () => void | Promise<void>;

export class ReleaseStack {
  readonly #log: Logger;
  readonly #stack: { name: string; release: Release }[] = [];
  #released: Promise<void> | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  push(name: string, release: Release): void {
    this.#stack.push({ name, release });
  }

  /** Runs every release once; a failing one is logged and does not hold up the others. */
  releaseAll(): Promise<void> {
    this.#released ??= this.#run();
    return this.#released;
  }

  async #run(): Promise<void> {
    for (let entry = this.#stack.pop(); entry !== undefined; entry = this.#stack.pop()) {
      try {
        await entry.release();
      } catch (thrown) {
        this.#log.error(`closing ${entry.name} failed: ${messageOf(thrown)}`);
      }
    }
  }
}
