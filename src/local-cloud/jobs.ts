// The jobs of the local cloud: puts them into the stream, cancels them, keeps the outcomes (PROTOCOL §4, §6).
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import { JobError, messageOf } from '../errors.ts';
import { sendTogether, type RedisCommand } from '../net/redis.ts';
import type { NativeGateIR } from '../protocol/ir.ts';
import { cancelKey, groupName, outcomeKey, statusKey, streamKey } from '../protocol/keys.ts';
import { shown } from '../protocol/text.ts';
import type { WebhookBody } from '../protocol/webhook.ts';
import { DEFAULT_WAIT_MS, within, type WaitOptions } from './wait.ts';
import { jobTerms, type JobTerms } from './contract.ts';
import { Refusal } from './refusal.ts';

/** A job to submit. Texts go to the stream unchanged, so that tests can submit invalid jobs. */
export interface JobRequest {
  readonly ir?: NativeGateIR | string;
  readonly shots?: number | string;
  /** Default: a new one. */
  readonly jobId?: string;
  /** Replaces fields of the message; null removes the field. */
  readonly raw?: Readonly<Record<string, string | Buffer | null>>;
}

/** How a job ended: the webhook's body, or that it was cancelled, which no webhook reports. */
export type JobEnd = WebhookBody | { readonly job_id: string; readonly status: 'cancelled' };

export interface JobSummary {
  readonly job_id: string;
  /** The state that the node has written, or `queued` if it has written none. */
  readonly state: string;
  readonly shots: string | null;
  readonly submitted_at: string;
}

export interface SubmittedJob {
  readonly jobId: string;
  readonly submittedAt: string;
  readonly shots: string | undefined;
  readonly terms: JobTerms;
}

interface LedgerEntry extends SubmittedJob {
  readonly outcome: Promise<WebhookBody>;
  readonly report: (body: WebhookBody) => void;
}

const DEFAULT_SHOTS = 1000;
const CHECK_CANCELLED_EVERY_MS = 200;

export class CloudJobs {
  readonly results = new Map<string, WebhookBody>();
  readonly #ledger = new Map<string, LedgerEntry>();
  readonly #redis: Redis;
  readonly #qpuId: string;
  readonly #callbackUrl: () => string;

  constructor(redis: Redis, qpuId: string, callbackUrl: () => string) {
    this.#redis = redis;
    this.#qpuId = qpuId;
    this.#callbackUrl = callbackUrl;
  }

  async submit({
    ir,
    shots = DEFAULT_SHOTS,
    jobId = newJobId(),
    raw = {},
  }: JobRequest): Promise<SubmittedJob> {
    const fields = new Map<string, string | Buffer>([
      ['job_id', jobId],
      ['callback_url', this.#callbackUrl()],
      ['shots', String(shots)],
    ]);
    if (ir !== undefined) fields.set('ir_json', typeof ir === 'string' ? ir : JSON.stringify(ir));
    for (const [name, value] of Object.entries(raw)) {
      if (value === null) fields.delete(name);
      else fields.set(name, value);
    }
    const job = this.#note(jobId, fields.get('ir_json')?.toString(), fields.get('shots')?.toString());
    await this.#redis.xadd(streamKey(this.#qpuId), '*', ...[...fields].flat());
    return job;
  }

  termsOf(jobId: string): JobTerms | undefined {
    return this.#ledger.get(jobId)?.terms;
  }

  /** Keeps an outcome; false if it is known. A different outcome for the same job is a violation. */
  report(body: WebhookBody): boolean {
    const known = this.results.get(body.job_id);
    if (known !== undefined) {
      if (isDeepStrictEqual(known, body)) return false;
      throw new Refusal(409, `job ${shown(body.job_id)} already has a different outcome`);
    }
    this.results.set(body.job_id, body);
    this.#ledger.get(body.job_id)?.report(body);
    return true;
  }

  async outcome(jobId: string, { timeoutMs = DEFAULT_WAIT_MS }: WaitOptions = {}): Promise<WebhookBody> {
    return within(`the webhook of job ${shown(jobId)}`, this.#entry(jobId).outcome, timeoutMs);
  }

  /** Resolves once the job has ended in any way; undefined if `signal` was first. */
  async ended(jobId: string, signal: AbortSignal): Promise<JobEnd | undefined> {
    const done = new AbortController();
    try {
      const cancelled = this.#cancelled(jobId, AbortSignal.any([signal, done.signal]));
      return await Promise.race([this.#entry(jobId).outcome, cancelled]);
    } finally {
      done.abort();
    }
  }

  has(jobId: string): boolean {
    return this.#ledger.has(jobId);
  }

  async cancel(jobId: string): Promise<void> {
    await this.#redis.set(cancelKey(jobId), '1');
  }

  async status(jobId: string): Promise<Record<string, string>> {
    return this.#redis.hgetall(statusKey(jobId));
  }

  /** Messages of the group that are delivered but not acknowledged. */
  async pending(): Promise<number> {
    try {
      const [count] = await this.#redis.xpending(streamKey(this.#qpuId), groupName(this.#qpuId));
      return Number(count);
    } catch (error) {
      // There is no group before the first node connects, so nothing is pending.
      if (messageOf(error).startsWith('NOGROUP')) return 0;
      throw error;
    }
  }

  async list(): Promise<JobSummary[]> {
    return Promise.all(
      [...this.#ledger.values()].map(async ({ jobId, shots, submittedAt }) => ({
        job_id: jobId,
        state: (await this.status(jobId))['state'] ?? 'queued',
        shots: shots ?? null,
        submitted_at: submittedAt,
      })),
    );
  }

  /** Removes everything that this QPU's jobs left in Redis. */
  async removeKeys(): Promise<void> {
    const perJob = [...this.#ledger.keys()].flatMap((jobId) => [
      statusKey(jobId),
      cancelKey(jobId),
      outcomeKey(jobId),
    ]);
    // In a cluster, each has a shard of its own.
    await sendTogether(
      this.#redis,
      [streamKey(this.#qpuId), ...perJob].map((key): RedisCommand => ['unlink', key]),
    );
  }

  /** No webhook reports a cancelled job, so its status is polled until `signal`. */
  async #cancelled(jobId: string, signal: AbortSignal): Promise<JobEnd | undefined> {
    do {
      // Redis may be unavailable for a moment; the next check follows.
      const status = await this.status(jobId).catch((): Record<string, string> => ({}));
      if (status['state'] === 'cancelled') return { job_id: jobId, status: 'cancelled' };
      await sleep(CHECK_CANCELLED_EVERY_MS, undefined, { signal }).catch(() => {});
    } while (!signal.aborted);
    return undefined;
  }

  #entry(jobId: string): LedgerEntry {
    const entry = this.#ledger.get(jobId);
    if (entry === undefined) throw new JobError(`no job ${shown(jobId)} was submitted to this cloud`);
    return entry;
  }

  #note(jobId: string, irJson: string | undefined, shots: string | undefined): LedgerEntry {
    let report: (body: WebhookBody) => void = () => {};
    const outcome = new Promise<WebhookBody>((resolve) => (report = resolve));
    const known = this.#ledger.get(jobId);
    const entry: LedgerEntry = {
      jobId,
      shots,
      submittedAt: new Date().toISOString(),
      terms: jobTerms(irJson, shots),
      // A job that is submitted again is still one job with one outcome.
      outcome: known?.outcome ?? outcome,
      report: known?.report ?? report,
    };
    this.#ledger.set(jobId, entry);
    return entry;
  }
}

function newJobId(): string {
  return `job-${randomBytes(6).toString('hex')}`;
}
