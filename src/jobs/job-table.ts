// The jobs that this node holds but has not finished: being checked, queued, or running. Found by job and by stream entry.
import type { NativeGateIR } from '../protocol/ir.ts';

export interface HeldJob {
  readonly jobId: string;
  readonly callbackUrl: string;
  /** All stream entries that brought it; the first is the one that runs. */
  readonly messageIds: [string, ...string[]];
  /** Memory that it takes, roughly. */
  readonly bytes: number;
  /** Monotonic milliseconds. */
  readonly heldSince: number;
  stage: 'checking' | 'queued' | 'running';
  /** Set before it is queued. */
  circuit?: { readonly ir: NativeGateIR; readonly shots: number };
  /** Set once its batch has failed: it runs by itself. */
  runsAlone?: true;
}

/** A held job that is ready for the device. */
export type QueuedJob = HeldJob & Required<Pick<HeldJob, 'circuit'>>;

export class JobTable {
  readonly #byJob = new Map<string, HeldJob>();
  readonly #byMessage = new Map<string, HeldJob>();
  readonly #queue: QueuedJob[] = [];
  #bytes = 0;
  #running = 0;

  /** Jobs that are checked or queued, so not on the device. */
  get waiting(): number {
    return this.#byJob.size - this.#running;
  }

  get size(): number {
    return this.#byJob.size;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** The job that is next for the device. */
  get front(): QueuedJob | undefined {
    return this.#queue[0];
  }

  /** Up to `count` jobs that are next. */
  peek(count: number): readonly QueuedJob[] {
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

  add(job: HeldJob): void {
    this.#byJob.set(job.jobId, job);
    this.#byMessage.set(job.messageIds[0], job);
    this.#bytes += job.bytes;
  }

  /** Another stream entry brought the same job. */
  addMessage(job: HeldJob, messageId: string): void {
    job.messageIds.push(messageId);
    this.#byMessage.set(messageId, job);
  }

  enqueue(job: HeldJob, circuit: QueuedJob['circuit']): void {
    this.#queue.push(Object.assign(job, { stage: 'queued' as const, circuit }));
  }

  /** Puts the jobs of a batch that failed back to the front of the queue, each to run by itself. */
  requeue(jobs: readonly QueuedJob[]): void {
    const here = jobs.filter((job) => this.#byJob.get(job.jobId) === job);
    for (const job of here) Object.assign(job, { stage: 'queued' as const, runsAlone: true as const });
    this.#queue.unshift(...here);
    this.#running -= here.length;
  }

  /** Up to `count` jobs from the front of the queue; they count as running from here on. */
  dequeue(count: number): QueuedJob[] {
    const jobs = this.#queue.splice(0, count);
    for (const job of jobs) job.stage = 'running';
    this.#running += jobs.length;
    return jobs;
  }

  /** Forgets a job, wherever it is. */
  release(job: HeldJob): void {
    if (this.#byJob.get(job.jobId) !== job) return;
    this.#byJob.delete(job.jobId);
    for (const messageId of job.messageIds) {
      if (this.#byMessage.get(messageId) === job) this.#byMessage.delete(messageId);
    }
    this.#bytes -= job.bytes;
    if (job.stage === 'running') this.#running -= 1;
    if (job.stage === 'queued') this.#queue.splice(this.#queue.indexOf(job as QueuedJob), 1);
  }
}
