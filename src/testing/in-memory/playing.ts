// A job of a test that runs in memory: what the test says of it, and what became of it.
import type { ExecutionResult } from '../../device/executor.ts';
import type { RunOutcome } from '../../device/result.ts';
import { NO_ANNOTATIONS, type Annotations } from '../../jobs/annotations.ts';
import type { HeldJob } from '../../jobs/job.ts';
import type { NativeGateIR } from '../../protocol/ir.ts';
import type { Outcome, WebhookBody } from '../../protocol/webhook.ts';

/** How the cloud answers an attempt to deliver: with a status, or not at all. */
export type CloudAnswer = number | 'unreachable';

export interface TestJob {
  /** Default: `job-1`, `job-2`, … */
  readonly jobId?: string;
  /** Default: a Bell pair for the target `cz`. A text is taken as it is, as the `ir_json` of a message. */
  readonly ir?: NativeGateIR | string;
  /** Default: the sum of `result.counts`, else 100. */
  readonly shots?: number;
  /** What the device returns for it, in place of what the executor returns. Without `counts`: all zeros. */
  readonly result?: Partial<ExecutionResult>;
  /** Its run fails with this, in place of a result. */
  readonly fails?: string | Error;
  /** When the cloud cancels it: while it is queued, while it is on the device, between its run and its delivery, or once
   *  a promise has resolved. */
  readonly cancel?: 'queued' | 'running' | 'delivering' | Promise<unknown>;
  /** How the cloud answers each attempt to deliver its outcome. Default, and after the last of them: 200. */
  readonly answers?: readonly CloudAnswer[];
}

/** One attempt to deliver an outcome, as the cloud got it. */
export interface Post {
  /** Their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: WebhookBody;
  readonly answer: CloudAnswer;
}

/**
 * How a job ended: `completed` and `failed` as the cloud was told, `cancelled` by the cloud, `refused` by the cloud for
 * good, `undelivered` if no attempt to deliver its outcome succeeded.
 */
export type JobEnding = 'completed' | 'failed' | 'cancelled' | 'refused' | 'undelivered';

/** What became of a job. */
export interface PlayedJob {
  readonly jobId: string;
  readonly ending: JobEnding;
  /** The circuit that the device got; undefined if it got none. */
  readonly circuit: NativeGateIR | undefined;
  /** How often the device ran it. */
  readonly runs: number;
  /** As `afterRun` sees it, with `memory` and `metadata`; undefined if the job has no outcome. */
  readonly outcome: RunOutcome | undefined;
  /** Why it failed, as the cloud was told. */
  readonly error: string | undefined;
  /** What the device measured, kept for the operator since a plugin failed the job after its run. */
  readonly measured: Outcome | undefined;
  /** What plugins have noted on it. */
  readonly annotations: Annotations;
  /** Every attempt to deliver its outcome, in order. */
  readonly posts: readonly Post[];
  /** What the cloud took; undefined if it took nothing. */
  readonly body: WebhookBody | undefined;
}

export class Playing {
  readonly jobId: string;
  readonly script: TestJob;
  /** Resolves once nothing more happens to the job. */
  readonly ended: Promise<void>;
  held: HeldJob | undefined;
  circuit: NativeGateIR | undefined;
  runs = 0;
  outcome: RunOutcome | undefined;
  measured: Outcome | undefined;
  readonly posts: Post[] = [];
  #ending: JobEnding | undefined;
  #resolve: () => void = () => {};

  constructor(jobId: string, script: TestJob) {
    this.jobId = jobId;
    this.script = script;
    this.ended = new Promise((resolve) => (this.#resolve = resolve));
  }

  end(ending: JobEnding): void {
    this.#ending = ending;
    this.#resolve();
  }

  get hasEnded(): boolean {
    return this.#ending !== undefined;
  }

  /** What the device returns for it, if the test says so. */
  scripted(ir: NativeGateIR, shots: number): ExecutionResult | Error | undefined {
    const { fails, result } = this.script;
    if (fails !== undefined) return typeof fails === 'string' ? new Error(fails) : fails;
    if (result === undefined) return undefined;
    const { counts } = result;
    const shotsCompleted = counts === undefined ? shots : sumOf(counts);
    return { ...zeros(ir, shots), shotsCompleted, ...result };
  }

  get played(): PlayedJob {
    const { jobId, circuit, runs, outcome, measured, posts, held } = this;
    const ending = this.#ending ?? 'undelivered';
    const isTaken = ending === 'completed' || ending === 'failed';
    return {
      jobId,
      ending,
      circuit,
      runs,
      outcome,
      error: outcome?.status === 'failed' ? outcome.error : undefined,
      measured,
      annotations: held?.annotations ?? NO_ANNOTATIONS,
      posts,
      body: isTaken ? posts.at(-1)?.body : undefined,
    };
  }
}

/** By job. */
export type Ledger = ReadonlyMap<string, Playing>;

/** What a device without noise returns for a circuit without gates. */
export function zeros(ir: NativeGateIR, shots: number): ExecutionResult {
  return {
    counts: { ['0'.repeat(ir.measurements.length)]: shots },
    executionTimeMs: 1,
    shotsCompleted: shots,
  };
}

export function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
