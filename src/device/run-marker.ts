// Remembers on disk which stream entries are on the device now, so that a start after a crash knows which jobs had
// begun. Written without fsync: it must survive the process, not the machine.
//
// An entry is in the file before its run begins. The device would wait for that write, so the entries that are next
// are written while it is at work, several at a time. A crash then also blames jobs that had not begun. So the first
// start after a crash writes nothing ahead, until a clean end: no job is blamed twice for another one.
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { runMarkerPath } from '../state/layout.ts';

/** How many upcoming runs one write marks in advance. */
export const MARKED_AHEAD = 4;

export class RunMarker {
  #fd: number | undefined;
  /** Entries that were on the device, or next, when the last run of the node ended without clearing them. */
  readonly interrupted: ReadonlySet<string>;
  readonly #running = new Set<string>();
  /** Entries in the file that are not on the device yet. */
  #ahead: readonly string[] = [];
  readonly #writesAhead: boolean;
  #bytes = Buffer.alloc(128, ' ');

  /** If one crash is enough to give a job up (`maxDeliveries` is 1), nothing is written ahead. */
  constructor(directory: string, maxDeliveries: number) {
    const path = runMarkerPath(directory);
    this.interrupted = new Set(readIds(path));
    this.#writesAhead = this.interrupted.size === 0 && maxDeliveries > 1;
    this.#fd = openSync(path, 'w', 0o600);
  }

  /** These entries go to the device together. */
  begin(messageIds: readonly string[]): void {
    const isWritten = messageIds.every((messageId) => this.#ahead.includes(messageId));
    for (const messageId of messageIds) this.#running.add(messageId);
    if (!isWritten) this.#write([]);
  }

  /** These entries are next, the first `soonest` of them together; called while the device is at work. */
  next(messageIds: readonly string[], soonest: number): void {
    const isWritten = messageIds.slice(0, soonest).every((messageId) => this.#ahead.includes(messageId));
    if (this.#writesAhead && !isWritten) this.#write(messageIds);
  }

  /** Not written at once: an entry that is marked but no longer pending does no harm. */
  end(messageId: string): void {
    this.#running.delete(messageId);
  }

  /** Leaves no mark: a job that still runs at the end of a drain was given up on purpose, and is not blamed. */
  close(): void {
    if (this.#fd === undefined) return;
    ftruncateSync(this.#fd, 0);
    closeSync(this.#fd);
    // Another file may soon have this number.
    this.#fd = undefined;
  }

  #write(ahead: readonly string[]): void {
    this.#ahead = ahead;
    if (this.#fd === undefined) return;
    const text = [...this.#running, ...ahead].join('\n');
    // Never shorter than before, so that no old text is left behind the new one.
    if (text.length > this.#bytes.length) this.#bytes = Buffer.alloc(2 * text.length);
    this.#bytes.fill(' ', this.#bytes.write(text, 'latin1'));
    try {
      writeSync(this.#fd, this.#bytes, 0, this.#bytes.length, 0);
    } catch {
      // The outbox reports a full disk. A missing mark only means one more start of a job that kills the node.
      this.#ahead = [];
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
