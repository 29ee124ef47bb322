// What the operator may have the node do, and what it answers.
import type { CountsShown, JobOutcome } from './jobs.ts';

/** The body of each action; one without content is `{}`. */
export interface Actions {
  /** No job is taken until `resume`, also after a restart (`coda pause`). */
  readonly pause: { readonly reason?: string };
  /** `coda resume`. */
  readonly resume: Record<string, never>;
  /** Cancels a job that waits or runs here, as the cloud does it, or a run of this page. */
  readonly cancel: { readonly jobId: string };
  /** Delivers a refused result once more (`coda results replay`). */
  readonly replay: { readonly jobId: string };
  /** Gives a result up for good: a refused one, or one that waits for its delivery (`coda results drop`). */
  readonly drop: { readonly jobId: string; readonly which: 'refused' | 'waiting' };
  /** Runs a circuit between two jobs, as JSON (NativeGateIR) or OpenQASM; answered when it has its turn, and has ended. */
  readonly run: { readonly circuit: string; readonly shots?: number; readonly name?: string };
}

export interface ActionAnswer {
  /** What is true now, as a sentence. */
  readonly text: string;
  /** Of `run`: the job. Its detail is at /page/jobs/<id>. */
  readonly jobId?: string;
  readonly outcome?: JobOutcome;
  /** Of a run that completed. */
  readonly counts?: CountsShown;
  /** Of a run that failed. */
  readonly error?: string;
}

/** Why a request was not done. */
export interface Refusal {
  readonly error: string;
  /** What to do; null if nothing can be done. */
  readonly remedy: string | null;
}
