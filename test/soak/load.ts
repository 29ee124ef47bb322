// Puts jobs into the stream, cancels some, adds those again that a Redis has forgotten, and removes the status of old ones,
// as the cloud does.
import type { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelKey, statusKey, streamKey } from '../../src/protocol/keys.ts';
import type { Book, Ending, OpenJob } from './book.ts';
import { soakJobId } from './node/job-id.ts';

export interface Kind {
  readonly runMs?: number;
  readonly ir?: string;
  readonly fails?: true;
  readonly ending?: Ending;
  readonly isMeasured?: true;
}

export interface LoadOptions {
  readonly redis: Redis;
  readonly book: Book;
  readonly qpuId: string;
  readonly callbackUrl: string;
  /** The circuit of most jobs. */
  readonly ir: string;
}

/** The stream keeps this many entries: many more than are ever without an outcome. */
const MOST_ENTRIES = 50_000;
/** So many states of old jobs stay, as they stay in the cloud for a while. */
const KEPT_STATES = 20_000;
const REMOVED_AT_ONCE = 2_000;
const AGAIN_AFTER_MS = 100;
const PATIENCE_MS = 120_000;

export class Load {
  readonly #options: LoadOptions;
  /** Jobs with a state in Redis, the oldest first. */
  readonly #states: string[] = [];
  readonly #cancelled = new Set<OpenJob>();
  #next = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Resolves once Redis has them, which may take as long as it is away. */
  async add(count: number, kind: Kind = {}): Promise<readonly OpenJob[]> {
    const { book, callbackUrl, ir } = this.#options;
    const jobs = Array.from({ length: count }, () => {
      const number = this.#next++;
      const jobId = soakJobId(number, kind);
      const fields = Object.entries({
        job_id: jobId,
        callback_url: callbackUrl,
        ir_json: kind.ir ?? ir,
        shots: '1000',
      }).flat();
      const { ending = kind.fails === true ? 'failed' : 'completed', isMeasured = false } = kind;
      return book.add({ number, jobId, fields, ending, isMeasured });
    });
    await this.#write(jobs);
    this.#states.push(...jobs.map(({ jobId }) => jobId));
    await this.#forget();
    return jobs;
  }

  async cancel(job: OpenJob): Promise<void> {
    job.isCancelled = true;
    this.#cancelled.add(job);
    await this.#options.redis.set(cancelKey(job.jobId), '1').catch(() => {});
  }

  /** Looks which of the cancelled jobs have ended so: no webhook says it. */
  async lookAtCancelled(): Promise<void> {
    const { redis, book } = this.#options;
    for (const job of this.#cancelled) {
      const state = await redis.hget(statusKey(job.jobId), 'state').catch(() => undefined);
      if (state === 'cancelled') book.cancelled(job.number);
      if (!book.open.has(job.number)) this.#cancelled.delete(job);
    }
  }

  /** After Redis has lost its content. The node still knows the jobs that it has taken. */
  async addAgain(): Promise<void> {
    const open = [...this.#options.book.open.values()];
    for (const job of open.filter(({ isCancelled }) => isCancelled)) await this.cancel(job);
    await this.#write(open);
  }

  /** Until Redis has all of them: one that is added twice is still one job. */
  async #write(jobs: readonly OpenJob[]): Promise<void> {
    const { redis, book, qpuId } = this.#options;
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (let left = jobs; left.length > 0; left = left.filter(({ number }) => book.open.has(number))) {
      const pipeline = redis.pipeline();
      for (const { fields } of left) {
        pipeline.xadd(streamKey(qpuId), 'MAXLEN', '~', MOST_ENTRIES, '*', ...fields);
      }
      const answers = await pipeline.exec().catch(() => null);
      if (answers?.every(([error]) => error === null) === true) return;
      if (performance.now() > giveUpAt) throw new Error(`Redis took no job for ${PATIENCE_MS / 1_000} s`);
      await sleep(AGAIN_AFTER_MS);
    }
  }

  async #forget(): Promise<void> {
    if (this.#states.length < KEPT_STATES + REMOVED_AT_ONCE) return;
    const old = this.#states.splice(0, REMOVED_AT_ONCE);
    const keys = old.flatMap((jobId) => [statusKey(jobId), cancelKey(jobId)]);
    await this.#options.redis.unlink(...keys).catch(() => {});
  }
}
