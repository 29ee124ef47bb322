// What is in the outbox: found by job and by stream entry, counted by origin, and put together again from the records of
// the journal.
import type { Trouble } from '../errors.ts';
import type { Annotations } from '../jobs/annotations.ts';
import type { SavedOutcome } from '../jobs/job.ts';
import { cloudRemedy } from '../net/cloud-trouble.ts';
import { MAX_CALLBACK_LENGTH } from '../protocol/job.ts';
import { shellQuoted } from '../state/private-file.ts';
import {
  attemptRecord,
  bytesOf,
  BYTES_PER_MESSAGE,
  endingOf,
  isCancellable,
  newEntry,
  outcomeRecord,
  settledRecord,
  type Entry,
  type JournalRecord,
} from './entry.ts';
import { originOf, Origins, type Room } from './origins.ts';
import type { WaitingResult } from './overview.ts';
import { RecentlyDone } from './recently-done.ts';

export class Contents {
  readonly origins: Origins;
  /** The jobs that have left the outbox. */
  readonly done = new RecentlyDone();
  readonly #entries = new Map<string, Entry>();
  readonly #messages = new Set<string>();

  constructor(room: Room) {
    this.origins = new Origins(room);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(jobId: string): Entry | undefined {
    return this.#entries.get(jobId);
  }

  /** The oldest first. */
  all(): Iterable<Entry> {
    return this.#entries.values();
  }

  hasMessage(messageId: string): boolean {
    return this.#messages.has(messageId);
  }

  /** Jobs whose outcome a cancel can still suppress. */
  *cancellable(): Iterable<string> {
    for (const [jobId, entry] of this.#entries) if (isCancellable(entry)) yield jobId;
  }

  /** Why results cannot be delivered at the moment, if so; with the origin, if others answer. */
  get outage(): { readonly reason: string; readonly origin: string | undefined } | undefined {
    for (const { key, trouble, count } of this.origins.all()) {
      if (trouble === undefined || count === 0) continue;
      return { reason: trouble, origin: this.origins.someAnswer ? originOf(key) : undefined };
    }
    return undefined;
  }

  /** The same, with what to do. */
  get trouble(): Trouble | undefined {
    const { outage } = this;
    if (outage === undefined) return undefined;
    const { reason, origin } = outage;
    if (origin === undefined)
      return { text: `results cannot be delivered: ${reason}`, remedy: cloudRemedy(reason) };
    return {
      text: `results cannot be delivered to ${origin}: ${reason}`,
      remedy: `${cloudRemedy(reason)} Results to other origins are delivered. See those that wait with coda results --waiting. If nobody waits for them: coda results drop --waiting --all --origin ${shellQuoted(origin)}`,
    };
  }

  /** When the job ended whose outcome has waited longest; ISO 8601, UTC. */
  get oldest(): string | null {
    const [entry] = this.#entries.values();
    return entry?.saved.endedAt ?? null;
  }

  /** The first `most` of those that are to be delivered, the oldest first. */
  waiting(most: number): WaitingResult[] {
    const waiting: WaitingResult[] = [];
    for (const { saved, stage, attempts, earlierAttempts, reason } of this.#entries.values()) {
      if (waiting.length >= most) break;
      if (stage === 'settling') continue;
      const { jobId, callbackUrl, outcome, endedAt } = saved;
      waiting.push({
        jobId,
        origin: originOf(callbackUrl),
        status: outcome.status,
        endedAt,
        // The one that is under way has not failed yet.
        attempts: earlierAttempts + attempts - (stage === 'posting' ? 1 : 0),
        error: reason ?? null,
      });
    }
    return waiting;
  }

  add(saved: SavedOutcome): Entry {
    const entry = newEntry(saved, this.origins.of(saved.callbackUrl));
    this.#entries.set(saved.jobId, entry);
    this.origins.add(entry.origin, entry.weight);
    for (const messageId of saved.messageIds) this.#messages.add(messageId);
    return entry;
  }

  adopt(entry: Entry, messageId: string): void {
    if (this.#messages.has(messageId)) return;
    entry.saved = { ...entry.saved, messageIds: [...entry.saved.messageIds, messageId] };
    entry.weight += BYTES_PER_MESSAGE;
    this.origins.grow(entry.origin, BYTES_PER_MESSAGE);
    this.#messages.add(messageId);
  }

  annotate(entry: Entry, annotations: Annotations): void {
    const bytes = bytesOf(annotations) - bytesOf(entry.saved.annotations);
    entry.saved = { ...entry.saved, annotations };
    entry.weight += bytes;
    this.origins.grow(entry.origin, bytes);
  }

  remove(entry: Entry): void {
    const { saved, origin, weight } = entry;
    this.done.add(endingOf(entry));
    for (const messageId of saved.messageIds) this.#messages.delete(messageId);
    this.#entries.delete(saved.jobId);
    this.origins.remove(origin, weight);
  }

  /** Does again what a record says. */
  restore(record: JournalRecord): void {
    if (record.t === 'answered') {
      this.origins.answered(this.origins.named(record.origin));
      return;
    }
    const entry = this.#entries.get(record.jobId);
    if (record.t === 'outcome' && entry === undefined) {
      const { t: _, ...saved } = record;
      const restored = this.add({ ...saved, callbackUrl: bounded(saved.callbackUrl) });
      restored.stage = 'waiting';
      // An attempt may have been under way when the node died: a cancel must not contradict it.
      restored.maybeSent = true;
    } else if (record.t === 'annotated' && entry !== undefined) {
      this.annotate(entry, record.annotations);
    } else if (record.t === 'settled' && entry !== undefined) {
      entry.stage = 'settling';
      entry.cancelled = record.cancelled ?? false;
    } else if (record.t === 'attempt' && entry !== undefined) {
      entry.earlierAttempts = record.attempts;
      entry.reason = record.reason;
      this.origins.failed(entry.origin, record.reason);
    } else if (record.t === 'done' && entry !== undefined) {
      this.remove(entry);
    }
  }

  /** The records of which `restore` makes the same again. */
  *records(): Iterable<JournalRecord> {
    for (const { key, hasAnswered } of this.origins.all()) {
      if (hasAnswered) yield { t: 'answered', origin: key };
    }
    for (const entry of this.#entries.values()) {
      yield outcomeRecord(entry);
      if (entry.reason !== undefined) yield attemptRecord(entry);
      if (entry.stage === 'settling') yield settledRecord(entry);
    }
  }
}

/** Of a callback that is too long, so much is kept that this can still be seen; a copy, since a part of a text keeps all
 *  of it in memory. A journal may hold some from before they had a limit. */
function bounded(callbackUrl: string): string {
  if (callbackUrl.length <= MAX_CALLBACK_LENGTH) return callbackUrl;
  return Buffer.from(callbackUrl.slice(0, MAX_CALLBACK_LENGTH + 1)).toString();
}
