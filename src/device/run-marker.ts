// Remembers on disk which stream entries are on the device now, and how often each has been started, so that a start
// after a crash knows which jobs had begun. Written without fsync: it must survive the process, not the machine.
//
// An entry is in the file before its run begins. The device would wait for that write, so the entries that are next
// are written while it is at work, several at a time. A crash then also blames jobs that had not begun. So the first
// start after a crash writes nothing ahead, until a clean end: no job is blamed twice for another one.
//
// What a crash has left stays in the file until the job has its outcome, or is not this node's any more: the starts of
// a job that kills the node are counted here, whatever else was lost with the node.
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { runMarkerPath } from '../state/layout.ts';

/** How many upcoming runs one write marks in advance. */
export const MARKED_AHEAD = 4;

export class RunMarker {
  #fd: number | undefined;
  /** Of each entry without an outcome: how often it was started, by an earlier process or by an executor that died. */
  readonly #before: Map<string, number>;
  readonly #running = new Set<string>();
  /** Entries in the file that are not on the device yet. */
  #ahead: readonly string[] = [];
  readonly #isLastChance: boolean;
  readonly #writesAhead: boolean;
  #bytes: Buffer;

  /** If one crash is enough to give a job up (`maxDeliveries` is 1), nothing is written ahead. */
  constructor(directory: string, maxDeliveries: number) {
    const path = runMarkerPath(directory);
    const text = readOr(path, '');
    this.#before = startsIn(text);
    this.#isLastChance = maxDeliveries <= 1;
    this.#writesAhead = this.#before.size === 0 && !this.#isLastChance;
    // Not emptied: the node may die again before it gets to these jobs.
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    this.#bytes = Buffer.alloc(Math.max(128, text.length), ' ');
  }

  /** The node or the executor has died lately, maybe by a job: an entry counts as started until its outcome is saved. */
  get isWary(): boolean {
    return !this.#writesAhead || this.#before.size > 0;
  }

  /** A job that has ended must not be blamed for the next one, so that one waits for the outcome: of earlier crashes, some
   *  jobs still have none, or one crash is enough to give a job up. */
  get isStrict(): boolean {
    return this.#before.size > 0 || this.#isLastChance;
  }

  /** How often this entry was started before, without an outcome. */
  startsBefore(messageId: string): number {
    return this.#before.get(messageId) ?? 0;
  }

  /** This entry was started so often elsewhere. It may be marked already, as one without an earlier start. */
  startedElsewhere(messageId: string, starts: number): void {
    this.#before.set(messageId, starts);
    if (this.#ahead.includes(messageId)) this.#write(this.#ahead);
  }

  /** These entries go to the device together. */
  begin(messageIds: readonly string[]): void {
    const isWritten = messageIds.every((messageId) => this.#ahead.includes(messageId));
    for (const messageId of messageIds) this.#running.add(messageId);
    if (!isWritten) this.#write([]);
  }

  /** Plugins prepare this entry: if they end the process, that counts as a start. */
  beginPreparing(messageId: string): void {
    this.#running.add(messageId);
    if (!this.#ahead.includes(messageId)) this.#write(this.#ahead);
  }

  /** It waits for its run. A mark that stays until the next write blames it for one crash at most. */
  endPreparing(messageId: string): void {
    this.#running.delete(messageId);
    if (this.isStrict) this.#write(this.#ahead);
  }

  /** These entries are next, the first `soonest` of them together; called while the device is at work. */
  next(messageIds: readonly string[], soonest: number): void {
    const isWritten = messageIds.slice(0, soonest).every((messageId) => this.#ahead.includes(messageId));
    if (this.#writesAhead && !isWritten) this.#write(messageIds);
  }

  /** Whether this entry is marked, and is not on the device yet. */
  isAhead(messageId: string): boolean {
    return this.#ahead.includes(messageId);
  }

  /** The entry is not on the device any more. Not written at once: an entry that is marked but no longer pending does
   *  no harm. */
  end(messageId: string): void {
    this.#running.delete(messageId);
  }

  /** Its circuit has been read. Written at once: whatever ends the process from here on, it is not this circuit. */
  endReading(messageId: string): void {
    this.#running.delete(messageId);
    this.#write([]);
  }

  /** The executor has died while it ran this entry: that counts as a start, also for the next process. Returns how many
   *  there were so far. */
  died(messageId: string): number {
    const starts = this.startsBefore(messageId) + 1;
    this.#running.delete(messageId);
    this.#before.set(messageId, starts);
    this.#write([]);
    return starts;
  }

  /** The entry has its outcome. */
  forget(messageId: string): void {
    this.#running.delete(messageId);
    this.#before.delete(messageId);
  }

  /** Forgets the entries of earlier crashes that are not pending for this node any more. */
  keepPending(pending: ReadonlySet<string>): void {
    for (const messageId of this.#before.keys()) if (!pending.has(messageId)) this.#before.delete(messageId);
  }

  /** A job that still runs at the end of a drain was given up on purpose, and is not blamed. */
  close(): void {
    if (this.#fd === undefined) return;
    this.#running.clear();
    if (this.#before.size > 0) this.#write([]);
    else ftruncateSync(this.#fd, 0);
    closeSync(this.#fd);
    // Another file may soon have this number.
    this.#fd = undefined;
  }

  #write(ahead: readonly string[]): void {
    this.#ahead = ahead;
    if (this.#fd === undefined) return;
    const text = this.#text();
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

  /** `id`, or `id:starts` for an entry that was started more than once. */
  #text(): string {
    if (this.#before.size === 0) return [...this.#running, ...this.#ahead].join('\n');
    const starts = new Map(this.#before);
    for (const id of [...this.#running, ...this.#ahead]) starts.set(id, this.startsBefore(id) + 1);
    return [...starts].map(([id, count]) => `${id}:${count}`).join('\n');
  }
}

/** The entries that the node in this folder has started and that have no outcome, for a look while it does not run. */
export function readStarted(directory: string): ReadonlySet<string> {
  return new Set(startsIn(readOr(runMarkerPath(directory), '')).keys());
}

function startsIn(text: string): Map<string, number> {
  const starts = new Map<string, number>();
  for (const mark of text.split(/\s+/).filter(Boolean)) {
    const [id = '', count] = mark.split(':');
    starts.set(id, count === undefined ? 1 : Number(count) || 1);
  }
  return starts;
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return otherwise;
  }
}
