// Gives up results that wait for their delivery, if the operator wants that. `coda results drop --waiting` puts the jobs
// into a file of the folder that is looked at here, also when no node runs: the next one looks before it delivers.
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, errorCode, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { dropDirectory } from '../state/layout.ts';
import { readPrivateFile, writeFileAtomic, writeRemedy } from '../state/private-file.ts';
import type { Outbox } from './outbox.ts';

const LOOK_EVERY_MS = 1_000;
const MAX_REQUEST_BYTES = 256 * 1024 * 1024;

/** Has the results of these jobs dropped; returns the path of the request, which is gone once that is done. Throws a
 *  ConfigError. */
export async function requestDrop(directory: string, jobIds: readonly string[]): Promise<string> {
  const folder = dropDirectory(directory);
  const path = join(folder, `${randomBytes(8).toString('hex')}.json`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFileAtomic(path, `${JSON.stringify(jobIds)}\n`);
    return path;
  } catch (cause) {
    throw new ConfigError(`the results cannot be dropped: ${messageOf(cause)}`, {
      cause,
      remedy: writeRemedy(cause, directory),
    });
  }
}

/** The jobs whose results are to be dropped, by the path of each request. Throws a ConfigError. */
export function readDrops(directory: string): Map<string, readonly string[]> {
  const folder = dropDirectory(directory);
  const found = new Map<string, readonly string[]>();
  for (const name of namesIn(folder)) {
    if (!/^[\da-f]{16}\.json$/.test(name)) continue;
    const path = join(folder, name);
    const text = readPrivateFile(path, MAX_REQUEST_BYTES);
    if (text !== undefined) found.set(path, jobIdsIn(path, text));
  }
  return found;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return [];
    throw new ConfigError(`${folder} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function jobIdsIn(path: string, text: string): string[] {
  const unusable = new ConfigError(`${path} is no list of jobs whose results are to be dropped`, {
    remedy: `Remove it, and drop them again: coda results drop --waiting.`,
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable;
  }
  if (!Array.isArray(value) || !value.every((id) => typeof id === 'string')) throw unusable;
  return value;
}

export class Drops {
  readonly #directory: string;
  readonly #outbox: Pick<Outbox, 'drop'>;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #lastFault: string | undefined;

  constructor(directory: string, outbox: Pick<Outbox, 'drop'>, log: Logger) {
    this.#directory = directory;
    this.#outbox = outbox;
    this.#log = log;
  }

  /** Looks at once, before anything is delivered, and then from time to time. */
  start(): void {
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    try {
      for (const [path, jobIds] of readDrops(this.#directory)) {
        // One that is being posted is looked at again, until the attempt has ended.
        const left = jobIds.filter((jobId) => !this.#outbox.drop(jobId));
        if (left.length === 0) rmSync(path, { force: true });
      }
      this.#lastFault = undefined;
    } catch (thrown) {
      const fault = messageOf(thrown);
      if (fault !== this.#lastFault) this.#log.error(`results cannot be dropped: ${fault}`);
      this.#lastFault = fault;
    }
  }
}
