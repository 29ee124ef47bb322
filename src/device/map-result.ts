// The hook `mapResult` of one job: plugins may change what was measured, before it becomes the outcome.
import { messageOf } from '../errors.ts';
import type { Hooks } from '../hooks.ts';
import type { ReadyJob } from '../jobs/job.ts';
import { viewOf } from '../jobs/job-view.ts';
import { deepFrozen } from '../kernel/frozen.ts';
import type { Outcome } from '../protocol/webhook.ts';
import type { SeenResult } from './executor.ts';
import { Failure, type FailureCause } from './failure.ts';
import { bitsOf, checkResult, type OddResults, type RunOutcome } from './result.ts';

export interface Mapped {
  readonly outcome: RunOutcome;
  readonly cause: FailureCause | undefined;
  /** What the device measured, if a plugin has failed the job. */
  readonly measured: Outcome | undefined;
}

export interface MapOptions {
  readonly hooks: Hooks;
  readonly odd: OddResults;
  /** Where the result comes from, for people. */
  readonly source: string;
}

/** Makes the outcome of a job from what its executor returned. Calls `done` in the same turn if no tap has to be waited
 *  for: the process may end in it. Returns what the device measured; undefined if that cannot be used. */
export function mapResult(
  raw: unknown,
  job: ReadyJob,
  options: MapOptions,
  done: (mapped: Mapped) => void,
): SeenResult | undefined {
  const { hooks, odd, source } = options;
  const { jobId } = job;
  const inCheck = `in the check of its result, from the executor (${source})`;
  let measured: SeenResult;
  try {
    // Not yet its number of bits: a plugin may have to make them fit.
    measured = deepFrozen(checkResult(raw, undefined, odd, jobId, true));
  } catch (thrown) {
    done(failed(new Failure(inCheck, thrown), undefined));
    return undefined;
  }
  const onEnd = (thrown: Error | null | undefined, result: SeenResult = measured): Mapped => {
    if (thrown) return failed(new Failure('while plugins mapped its result', thrown), measured);
    try {
      const checked = checkResult(result, bitsOf(job.circuit), undefined, jobId, true);
      return { outcome: { status: 'completed', ...checked }, cause: undefined, measured: undefined };
    } catch (fault) {
      if (result === measured) return failed(new Failure(inCheck, fault), undefined);
      const names = hooks.mapResult.taps.map(({ name }) => `'${name}'`).join(', ');
      const error = `what plugin ${names} made of the result in mapResult cannot be used: ${messageOf(fault)}`;
      return failed(new Failure('while plugins mapped its result', fault, error), measured);
    }
  };
  hooks.mapResult.callAsync(measured, viewOf(job), (thrown, result) => done(onEnd(thrown, result)));
  return measured;
}

function failed(cause: Failure, measured: SeenResult | undefined): Mapped {
  const outcome: Outcome = { status: 'failed', error: cause.error };
  return { outcome, cause, measured: measured === undefined ? undefined : asOutcome(measured) };
}

/** What was measured, as it is kept for the operator. */
export function asOutcome({ counts, executionTimeMs, shotsCompleted }: SeenResult): Outcome {
  return { status: 'completed', counts, executionTimeMs, shotsCompleted };
}
