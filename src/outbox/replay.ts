// Takes refused results back into the outbox, if the operator wants them delivered after all. `coda results replay` moves
// their files into a folder that is checked here. A file is removed once its result is durable in the outbox.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { JobTable } from '../jobs/job-table.ts';
import type { Logger } from '../log.ts';
import { refusedDirectory, replayDirectory } from '../state/layout.ts';
import type { Outbox } from './outbox.ts';
import { dropRefused, readRefused, resultFiles } from './refused.ts';

const LOOK_EVERY_MS = 1_000;

export interface ReplayOptions {
  readonly directory: string;
  readonly log: Logger;
  readonly outbox: Pick<Outbox, 'size' | 'has' | 'resubmit'>;
  readonly held: Pick<JobTable, 'get'>;
  /** With so many results in the outbox, no further one is taken. */
  readonly maxJobs: number;
  /** Default 1,000. */
  readonly lookEveryMs?: number;
}

export class Replay {
  readonly #options: ReplayOptions;
  /** By path of a file, or of the folder: the state in which its fault was logged. It is logged once for each state. */
  readonly #reported = new Map<string, string>();
  #refused = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #stopped = false;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /** Results that the cloud has refused, and that nobody has replayed or dropped yet. */
  get refused(): number {
    return this.#refused;
  }

  start(): void {
    const { lookEveryMs = LOOK_EVERY_MS } = this.#options;
    this.#timer = setInterval(() => void this.#look(), lookEveryMs).unref();
    void this.#look();
  }

  /** Results that are not taken by now wait for the next start. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const directory = replayDirectory(this.#options.directory);
    try {
      this.#refused = (await resultFiles(refusedDirectory(this.#options.directory))).length;
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
    const { log, outbox, held, maxJobs } = this.#options;
    // A broken file is read again once it has changed.
    const state = this.#reported.has(path) ? await stateOf(path) : undefined;
    if (state !== undefined && this.#reported.get(path) === state) return;
    if (this.#stopped || outbox.size >= maxJobs) return;
    try {
      const refused = readRefused(path);
      if (refused === undefined) return;
      const { reason: _, refusedAt, ...saved } = refused;
      // The node has this job once more: the old result waits for its end, so that the two never meet.
      if (held.get(saved.jobId) !== undefined || outbox.has(saved.jobId)) return;
      log.info(
        `job ${saved.jobId}: its result, which the cloud refused at ${refusedAt}, will be delivered after all`,
        { job: saved.jobId },
      );
      await outbox.resubmit(saved);
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
