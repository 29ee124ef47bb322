// Takes refused results that the operator wants delivered after all back into the outbox.
// `coda results replay` moves their files into a folder that is looked at here; what is durable in the outbox is unlinked.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { SavedOutcome } from '../jobs/job.ts';
import { replayDirectory } from '../state/layout.ts';
import { dropRefused, readRefused, resultFiles } from './refused.ts';

const LOOK_EVERY_MS = 1_000;

export interface ReplayOptions {
  readonly spool: string;
  readonly log: Logger;
  /** Whether the outbox takes more. */
  readonly hasRoom: () => boolean;
  /** Whether the node has this job in hand: its old result waits until then, so that the two never meet. */
  readonly isBusyWith: (jobId: string) => boolean;
  /** Resolves once the result is durable in the outbox. */
  readonly resubmit: (saved: SavedOutcome) => Promise<void>;
  /** Default 1,000. */
  readonly lookEveryMs?: number;
}

export class Replay {
  readonly #options: ReplayOptions;
  /** What was said about a file, or about the folder, and the state in which it was then: it is said once. */
  readonly #reported = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #stopped = false;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  start(): void {
    const { lookEveryMs = LOOK_EVERY_MS } = this.#options;
    this.#timer = setInterval(() => void this.#look(), lookEveryMs).unref();
    void this.#look();
  }

  /** What is not taken by now waits for the next start. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const directory = replayDirectory(this.#options.spool);
    try {
      const names = await resultFiles(directory);
      const paths = new Set(names.map((name) => join(directory, name)));
      for (const path of this.#reported.keys()) if (!paths.has(path)) this.#reported.delete(path);
      for (const path of paths) await this.#take(path);
    } catch (thrown) {
      this.#report(directory, messageOf(thrown), `results cannot be replayed: ${messageOf(thrown)}`);
    } finally {
      this.#looking = false;
    }
  }

  async #take(path: string): Promise<void> {
    const { log, hasRoom, isBusyWith, resubmit } = this.#options;
    // A broken file is looked at again when somebody has touched it.
    const state = this.#reported.has(path) ? await stateOf(path) : undefined;
    if (state !== undefined && this.#reported.get(path) === state) return;
    if (this.#stopped || !hasRoom()) return;
    try {
      const refused = readRefused(path);
      if (refused === undefined || isBusyWith(refused.jobId)) return;
      const { reason: _, refusedAt, ...saved } = refused;
      log.info(`the result of job ${saved.jobId}, refused at ${refusedAt}, is delivered again`);
      await resubmit(saved);
      await dropRefused(path);
    } catch (thrown) {
      this.#report(path, await stateOf(path), `a result cannot be replayed: ${messageOf(thrown)}`);
    }
  }

  #report(path: string, state: string, text: string): void {
    if (this.#reported.get(path) === state) return;
    this.#reported.set(path, state);
    this.#options.log.error(text);
  }
}

async function stateOf(path: string): Promise<string> {
  const found = await lstat(path).catch(() => undefined);
  return found === undefined ? '' : [found.ino, found.size, found.mode, found.uid, found.ctimeMs].join();
}
