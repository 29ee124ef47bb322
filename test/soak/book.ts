// What has become of each job, in a few bytes a job: how many are without an outcome, which outcome each was to have, and
// whether two of its outcomes differ. Also how often each has run, from the file that the executor writes.
import { closeSync, openSync, readSync } from 'node:fs';
import { now } from '../chaos/ledger.ts';
import { RUN_BYTES } from './node/job-id.ts';

/** `either`: completed, or cancelled. */
export type Ending = 'completed' | 'failed' | 'either';

export interface OpenJob {
  readonly number: number;
  readonly jobId: string;
  /** Of its message in the stream. */
  readonly fields: readonly string[];
  readonly ending: Ending;
  /** Milliseconds of the clock that all processes share. */
  readonly submittedAt: number;
  /** Its times are measured. */
  readonly isMeasured: boolean;
  isCancelled?: true;
}

export interface Waits {
  /** Milliseconds from the stream to the begin of the run, and to the webhook's arrival. */
  readonly toRun: number[];
  readonly toDelivery: number[];
}

const SHOWN = 5;
/** For so long after a fault, a long wait may be its work. */
const SETTLED_MS = 5_000;
/** For so long, an answer that it has cut off may have a post repeated: behind all the others that wait. */
const REPEATED_MS = 30_000;
/** The outcome is in Redis alone. */
const CANCELLED = 1;

export class Book {
  readonly runsPath: string;
  /** By number. */
  readonly open = new Map<number, OpenJob>();
  readonly broken: string[] = [];
  submitted = 0;
  ended = 0;
  /** Outcomes that came again, the same. */
  repeats = 0;
  #waits: Waits = { toRun: [], toDelivery: [] };
  /** Of the body of its outcome; 0 without one. */
  readonly #hashes: Uint32Array;
  /** How many runs of a job kills have explained. */
  readonly #cutOff = new Map<number, number>();
  readonly #runs: number;
  readonly #record = new Float64Array(2);
  readonly #calmMs: () => number;

  /** `calmMs`: since when there is no fault. The system gives memory for `mostJobs` as it is used. */
  constructor(runsPath: string, mostJobs: number, calmMs: () => number) {
    this.runsPath = runsPath;
    this.#runs = openSync(runsPath, 'w+', 0o600);
    this.#hashes = new Uint32Array(mostJobs);
    this.#calmMs = calmMs;
  }

  add(job: Omit<OpenJob, 'submittedAt'>): OpenJob {
    if (job.number >= this.#hashes.length) throw new Error(`more than ${this.#hashes.length} jobs`);
    const open = { ...job, submittedAt: now(), isMeasured: job.isMeasured && this.#isSettled };
    this.open.set(job.number, open);
    this.submitted += 1;
    return open;
  }

  /** A webhook; false if the cloud would refuse it. */
  deliver(number: number, status: string, body: string): boolean {
    const known = this.#hashes[number];
    const hash = hashOf(body);
    if (known !== 0) {
      if (known === hash) this.#noteRepeat(number);
      else
        this.#break(`job ${number} has two outcomes${known === CANCELLED ? ', one of them cancelled' : ''}`);
      return known === hash;
    }
    const job = this.open.get(number);
    if (job === undefined) {
      this.#break(`an outcome of job ${number}, which was not submitted`);
      return false;
    }
    const expected = job.ending === 'either' ? 'completed' : job.ending;
    if (status !== expected) this.#break(`${job.jobId} is ${status}, not ${expected}: ${body.slice(0, 200)}`);
    if (job.isMeasured && this.#isSettled) {
      this.#waits.toRun.push(this.#runsOf(number).lastBegan - job.submittedAt);
      this.#waits.toDelivery.push(now() - job.submittedAt);
    }
    this.#end(number, hash);
    return true;
  }

  /** Its status says `cancelled`. */
  cancelled(number: number): void {
    if (this.open.has(number)) this.#end(number, CANCELLED);
  }

  /** After a kill: what was under way and is not saved may run once more. */
  noteKill(saved: ReadonlySet<string>): void {
    for (const { number, jobId } of this.open.values()) {
      if (saved.has(jobId) || this.#runsOf(number).count === 0) continue;
      this.#cutOff.set(number, (this.#cutOff.get(number) ?? 0) + 1);
    }
  }

  /** The waits since the last time. */
  takeWaits(): Waits {
    const taken = this.#waits;
    this.#waits = { toRun: [], toDelivery: [] };
    return taken;
  }

  /** At the end: jobs without an outcome, and jobs that ran more often than kills explain. */
  check(): void {
    for (const { jobId } of [...this.open.values()].slice(0, SHOWN))
      this.broken.push(`${jobId} has no outcome`);
    if (this.open.size > SHOWN) this.broken.push(`${this.open.size} jobs have no outcome`);
    let doubled = 0;
    for (let number = 0; number < this.submitted; number++) {
      const { count } = this.#runsOf(number);
      if (count <= 1 + (this.#cutOff.get(number) ?? 0)) continue;
      doubled += 1;
      if (doubled <= SHOWN) this.broken.push(`job ${number} ran ${count} times`);
    }
    if (doubled > SHOWN) this.broken.push(`${doubled} jobs ran more often than once`);
  }

  get cutOff(): number {
    return this.#cutOff.size;
  }

  close(): void {
    closeSync(this.#runs);
  }

  get #isSettled(): boolean {
    return this.#calmMs() >= SETTLED_MS;
  }

  #noteRepeat(number: number): void {
    this.repeats += 1;
    const calmMs = this.#calmMs();
    if (calmMs < REPEATED_MS) return;
    this.#break(
      `the outcome of job ${number} came again, and nothing had failed for ${REPEATED_MS / 1_000} s`,
    );
  }

  #end(number: number, hash: number): void {
    this.#hashes[number] = hash;
    this.open.delete(number);
    this.ended += 1;
  }

  #runsOf(number: number): { readonly count: number; readonly lastBegan: number } {
    const length = readSync(this.#runs, this.#record, 0, RUN_BYTES, number * RUN_BYTES);
    if (length < RUN_BYTES) return { count: 0, lastBegan: NaN };
    return { count: this.#record[0] ?? 0, lastBegan: this.#record[1] ?? NaN };
  }

  #break(text: string): void {
    if (this.broken.length < SHOWN) this.broken.push(text);
  }
}

/** FNV-1a; never one of the values that mean something else. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return Math.max(CANCELLED + 1, hash >>> 0);
}
