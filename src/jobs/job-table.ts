// The jobs that this node has and has not finished, found by job and by stream entry.
//
//   add -> checking -> [preparing] -> queued -> running -> release
//                                       ^          |
//                                       \- requeue-/   its batch failed, or the executor died: it runs again, alone
//
// A job may be released at every stage. It stays the same object at all stages, so that whoever holds it sees the change.
// The table announces three things: a job is ready for the device, or is not in the queue any more although it never ran (to
// the runner), and there may be room for more (to the reader).
import { Listeners } from '../net/timing.ts';
import type { CheckingJob, Circuit, HeldFacts, HeldJob, PreparingJob, ReadyJob } from './job.ts';

export class JobTable {
  readonly #byJob = new Map<string, HeldJob>();
  readonly #byMessage = new Map<string, HeldJob>();
  readonly #queue: ReadyJob[] = [];
  readonly #onQueued = new Listeners();
  readonly #onUnqueued = new Listeners();
  readonly #onRoom = new Listeners();
  #bytes = 0;
  #running = 0;

  /** Calls `listener` whenever a job is ready for the device. */
  onQueued(listener: () => void): void {
    this.#onQueued.add(listener);
  }

  /** Calls `listener` whenever a job is released that was ready for the device. */
  onUnqueued(listener: () => void): void {
    this.#onUnqueued.add(listener);
  }

  /** Calls `listener` whenever there may be room for more jobs. */
  onRoom(listener: () => void): void {
    this.#onRoom.add(listener);
  }

  /** Jobs that are checked or queued, so not on the device. */
  get waiting(): number {
    return this.#byJob.size - this.#running;
  }

  /** Jobs on the device, or after it in `mapResult`. */
  get running(): number {
    return this.#running;
  }

  get size(): number {
    return this.#byJob.size;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** The job that is next for the device. */
  get front(): ReadyJob | undefined {
    return this.#queue[0];
  }

  /** Up to `count` jobs that are next. */
  peek(count: number): readonly ReadyJob[] {
    return this.#queue.slice(0, count);
  }

  get bytes(): number {
    return this.#bytes;
  }

  all(): Iterable<HeldJob> {
    return this.#byJob.values();
  }

  get(jobId: string): HeldJob | undefined {
    return this.#byJob.get(jobId);
  }

  ofMessage(messageId: string): HeldJob | undefined {
    return this.#byMessage.get(messageId);
  }

  add(job: CheckingJob): void {
    this.#byJob.set(job.jobId, job);
    this.#byMessage.set(job.messageIds[0], job);
    this.#bytes += job.bytes;
  }

  /** Another stream entry brought the same job. */
  addMessage(job: HeldJob, messageId: string): void {
    job.messageIds.push(messageId);
    this.#byMessage.set(messageId, job);
  }

  /** Plugins prepare the job before it is queued. */
  prepare(job: CheckingJob, circuit: Circuit): PreparingJob {
    return Object.assign<HeldFacts, Pick<PreparingJob, 'stage' | 'circuit'>>(job, {
      stage: 'preparing',
      circuit,
    });
  }

  enqueue(job: CheckingJob | PreparingJob, circuit: Circuit): void {
    this.#queue.push(
      Object.assign<HeldFacts, Pick<ReadyJob, 'stage' | 'circuit' | 'queuedAt'>>(job, {
        stage: 'queued',
        circuit,
        queuedAt: performance.now(),
      }),
    );
    this.#onQueued.notify();
  }

  /** Puts jobs of a run without an outcome back to the front of the queue, each to run alone. For the runner, which looks
   *  at the queue right after this: it is not announced. */
  requeue(jobs: readonly ReadyJob[], isPrepared: boolean): void {
    const here = jobs.filter((job) => this.#byJob.get(job.jobId) === job);
    for (const job of here) {
      job.stage = 'queued';
      job.runsAlone = true;
      job.isPrepared = isPrepared;
    }
    this.#queue.unshift(...here);
    this.#running -= here.length;
  }

  /** Up to `count` jobs from the front of the queue; they count as running from here on. The room that they leave is
   *  announced by `announceRoom`, once they are on the device: the device comes before the reader. */
  dequeue(count: number): ReadyJob[] {
    const jobs = this.#queue.splice(0, count);
    for (const job of jobs) job.stage = 'running';
    this.#running += jobs.length;
    return jobs;
  }

  /** As `dequeue`, for a job that is on the device already; false if it is not in the queue any more. */
  dequeueBegun(job: ReadyJob): boolean {
    const at = this.#queue.indexOf(job);
    if (at < 0) return false;
    this.#queue.splice(at, 1);
    job.stage = 'running';
    this.#running += 1;
    return true;
  }

  announceRoom(): void {
    this.#onRoom.notify();
  }

  /** Forgets a job, at whatever stage it is. */
  release(job: HeldJob): void {
    if (this.#byJob.get(job.jobId) !== job) return;
    this.#byJob.delete(job.jobId);
    for (const messageId of job.messageIds) {
      if (this.#byMessage.get(messageId) === job) this.#byMessage.delete(messageId);
    }
    this.#bytes -= job.bytes;
    if (job.stage === 'running') this.#running -= 1;
    if (job.stage === 'queued') {
      this.#queue.splice(this.#queue.indexOf(job), 1);
      this.#onUnqueued.notify();
    }
    this.#onRoom.notify();
  }
}
