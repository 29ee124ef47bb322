// What the operator wants of a node, as a file in its folder and nothing else. So it can be said while no node runs, and
// holds after a restart.
import { constants, lstatSync, statSync, type Stats } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError, errorCode, messageOf } from '../errors.ts';
import { isRecord } from '../protocol/text.ts';
import { nodeFolder } from './layout.ts';
import { makeNodeFolder } from './node-folder.ts';
import { writeFileAtomic, writeRemedy, type FileOwner } from './private-file.ts';
import { trustedOwners } from './trust.ts';

/** Errors of the machine, which say nothing of the file. */
const FAULTS = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EIO', 'EAGAIN', 'EINTR', 'ESTALE', 'ETIMEDOUT']);

export class OperatorFile {
  readonly #pathIn: (folder: string) => string;
  /** What is in it, for an error: `a request to pause`. */
  readonly #what: string;

  constructor(pathIn: (folder: string) => string, what: string) {
    this.#pathIn = pathIn;
    this.#what = what;
  }

  /**
   * Its content; undefined if there is none, null if there is one that this user may not read, or that is no JSON object.
   * Throws a ConfigError if the machine does not let it be seen: then nobody knows.
   */
  async read(stateDir: string): Promise<Readonly<Record<string, unknown>> | null | undefined> {
    const path = this.#pathIn(nodeFolder(stateDir));
    let text: string;
    try {
      // Opening a named pipe would wait for a writer.
      const flag = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
      text = await readFile(path, { encoding: 'utf8', flag });
    } catch (thrown) {
      if (FAULTS.has(errorCode(thrown) ?? '')) {
        throw new ConfigError(
          `no file can be opened, and so ${this.#what} cannot be seen: ${messageOf(thrown)}`,
          { cause: thrown, remedy: writeRemedy(thrown, dirname(path)) },
        );
      }
      const isThere = errorCode(thrown) !== 'ENOENT' && errorCode(thrown) !== 'ENOTDIR';
      return isThere ? null : undefined;
    }
    try {
      const stored: unknown = JSON.parse(text);
      return isRecord(stored) ? stored : null;
    } catch {
      return null;
    }
  }

  /** For the node of `stateDir`, from now on or from its next start. */
  async write(stateDir: string, content: object): Promise<void> {
    const owner = ownerForRoot(stateDir);
    if (owner === undefined) makeNodeFolder(stateDir, trustedOwners());
    await writeFileAtomic(this.#pathIn(nodeFolder(stateDir)), `${JSON.stringify(content)}\n`, owner);
  }

  async remove(stateDir: string): Promise<void> {
    if (folderIn(stateDir) === undefined) return;
    if (ownerForRoot(stateDir) === undefined) makeNodeFolder(stateDir, trustedOwners());
    await rm(this.#pathIn(nodeFolder(stateDir)), { force: true });
  }
}

/** Root may say it to the node of another user, such as a service's, if nobody but that user can write to its folder. */
function ownerForRoot(stateDir: string): FileOwner | undefined {
  const stats = folderIn(stateDir);
  if (process.geteuid?.() !== 0 || stats === undefined || stats.uid === 0) return undefined;
  const isPrivate = stats.isDirectory() && (stats.mode & 0o022) === 0;
  return isPrivate && statSync(stateDir).uid === stats.uid ? stats : undefined;
}

/** Undefined if there is none. Throws a ConfigError if this user may not know: then nothing can be said to be done. */
function folderIn(stateDir: string): Stats | undefined {
  const folder = nodeFolder(stateDir);
  try {
    return lstatSync(folder, { throwIfNoEntry: false });
  } catch (cause) {
    throw new ConfigError(`${folder} cannot be reached: ${messageOf(cause)}`, {
      cause,
      remedy: "Run it as the node's user, or name another directory with CODA_STATE_DIR.",
    });
  }
}
