// A plugin does the same to a job in testPlugin as in a real node, with a real Redis and a real cloud.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  definePlugin,
  JobError,
  type Annotations,
  type Executor,
  type Job,
  type NativeGateIR,
  type RunContext,
  type RunOutcome,
  type SeenResult,
} from '../../src/index.ts';
import { bell, startTestNode, testPlugin, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';

/** Depends on the circuit, so that another one is noticed. */
const twoToOne: Executor = {
  run(ir, shots) {
    const counts: Record<string, number> =
      ir.gates.length === 0 ? { '10': shots } : { '00': shots - 1, '11': 1 };
    return Promise.resolve({ counts, executionTimeMs: 1, shotsCompleted: shots });
  },
};

/** What a plugin and an executor do with one job. */
interface Doings {
  readonly prepare?: (circuit: NativeGateIR, job: Job) => unknown;
  readonly onJob?: (job: Job, context: RunContext) => unknown;
  readonly mapResult?: (result: SeenResult) => unknown;
  readonly afterRun?: (outcome: RunOutcome) => void;
  readonly run?: Executor['run'];
}

const CASES: Readonly<Record<string, Doings>> = {
  nothing: {},
  'another-circuit': {
    prepare(circuit, job) {
      job.annotate('gates', circuit.gates.length);
      return { ...circuit, gates: [], measurements: circuit.measurements.toReversed() };
    },
  },
  'a-circuit-that-cannot-run': { prepare: (circuit) => ({ ...circuit, num_qubits: 1 }) },
  'a-refusal': { prepare: () => Promise.reject(new JobError('no such qubits here')) },
  'a-change-where-none-is-allowed': { onJob: (job) => Object.assign(job, { shots: 7 }) },
  'an-error-before-the-run': { onJob: () => Promise.reject(new Error('kaboom')) },
  'no-end-before-the-run': { onJob: (_job, { signal }) => aborted(signal) },
  'another-result': { mapResult: (result) => ({ ...result, counts: { '01': result.shotsCompleted } }) },
  'a-result-of-the-wrong-width': { mapResult: (result) => ({ ...result, counts: { '0': 4 } }) },
  'an-error-after-the-run': { mapResult: explode },
  'a-change-of-the-outcome': { afterRun: (outcome) => void Object.assign(outcome, { status: 'failed' }) },
  'no-result': { run: () => Promise.reject(new Error('the laser is off')) },
  'a-result-that-is-nonsense': { run: () => Promise.resolve({ counts: { '0x': 1 } } as never) },
};

function explode(): never {
  throw new Error('kaboom');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve());
  });
}

/** Does with each job what its name says. */
const dispatching = definePlugin({
  name: 'mine',
  apply({ hooks }) {
    const doings = (job: { readonly jobId: string }): Doings => CASES[job.jobId] ?? {};
    hooks.wrapExecutor.tap('mine', (below) => ({
      run: (ir, shots, context) => (doings(context).run ?? below.run)(ir, shots, context),
    }));
    hooks.prepare.tapPromise(
      'mine',
      async (circuit, job) => (await doings(job).prepare?.(circuit, job)) as NativeGateIR,
    );
    hooks.onJob.tapPromise({ name: 'mine', timeoutSec: 0.1 }, async (job, context) => {
      await doings(job).onJob?.(job, context);
    });
    hooks.mapResult.tap('mine', (result, job) => doings(job).mapResult?.(result) as SeenResult);
    hooks.afterRun.tap('mine', (job, outcome) => {
      job.annotate('status', outcome.status);
      doings(job).afterRun?.(outcome);
    });
  },
});

describe('a plugin in testPlugin', () => {
  /** What the log says of failures. Several jobs are in `prepare` at once, so in no order. */
  const failureLines = (log: readonly string[]): string[] =>
    log.flatMap((line) => /(?:plugin '|job \S+ failed).*/.exec(line)?.[0] ?? []).toSorted();

  it('does what it does in a real node', async () => {
    const list = Object.keys(CASES).map((jobId) => ({ ir: bell('cz').ir, shots: 4, jobId }));
    const { jobs, log } = await testPlugin(dispatching, { executor: twoToOne, jobs: list });

    const annotations: Record<string, Annotations | undefined> = {};
    const watch = definePlugin({
      name: 'watch',
      apply: ({ hooks }) =>
        hooks.afterDeliver.tap('watch', (saved) => void (annotations[saved.jobId] = saved.annotations)),
    });
    const test = await startTestNode({ cloud, executor: twoToOne, plugins: [dispatching, watch] });
    try {
      for (const job of list) await cloud.submit(job);
      for (const played of jobs) {
        assert.deepEqual(played.body, await cloud.outcome(played.jobId));
        await waitUntil('the delivery', () => played.jobId in annotations);
        assert.deepEqual(played.annotations, annotations[played.jobId] ?? {}, played.jobId);
      }
    } finally {
      await test.stop();
    }
    assert.deepEqual(failureLines(log), failureLines(test.log));
    assert.equal(new Set(jobs.map(({ body }) => body?.status)).size, 2);
    assert.deepEqual(cloud.violations, []);
  });
});
