// Remembers on disk which stream entries are on the device right now, so that a start after a crash knows
// which jobs had been begun. Written without fsync: it must survive the process, not the machine.
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export class RunMarker {
  #fd: number | undefined;
  /** Entries that were on the device when the last run of the node ended without clearing them. */
  readonly interrupted: ReadonlySet<string>;
  readonly #running = new Set<string>();
  #length = 0;

  constructor(spool: string) {
    const path = join(spool, 'running');
    this.interrupted = new Set(readIds(path));
    this.#fd = openSync(path, 'w', 0o600);
  }

  /** These entries go to the device together. */
  begin(messageIds: readonly string[]): void {
    for (const messageId of messageIds) this.#running.add(messageId);
    this.#write();
  }

  /** Not written at once: an entry that is marked but no longer pending does no harm. */
  end(messageId: string): void {
    this.#running.delete(messageId);
  }

  /** Leaves no mark: what still runs at a drain's end was given up on purpose, and does not count as a start. */
  close(): void {
    if (this.#fd === undefined) return;
    ftruncateSync(this.#fd, 0);
    closeSync(this.#fd);
    // The number may soon be another file's.
    this.#fd = undefined;
  }

  #write(): void {
    if (this.#fd === undefined) return;
    // Padded to the length before, so that nothing of the old text is left behind it.
    const text = [...this.#running].join('\n').padEnd(this.#length);
    this.#length = text.trimEnd().length;
    try {
      writeSync(this.#fd, text, 0);
    } catch {
      // A full disk is the outbox's business; a missing mark only means one more start of a job that kills the node.
    }
  }
}

function readIds(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split(/\s+/).filter(Boolean);
  } catch {
    return [];
  }
}
