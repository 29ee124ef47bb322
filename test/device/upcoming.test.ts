// An executor in another process may begin the next job by itself. Here the other process is an object that begins and ends
// runs when the test says so, also in the moments in which the node has just changed its mind.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type {
  ExecutionResult,
  Executor,
  NativeGateIR,
  Plugin,
  RunContext,
  UpcomingJob,
} from '../../src/index.ts';
import type { OwnStart } from '../../src/kit.ts';
import { readStarted } from '../../src/device/run-marker.ts';
import { bell, startTestNode, waitUntil, type TestNode } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';
import { zeros } from '../support/executors.ts';

const { ir } = bell('cz');

/** Knows its jobs by their shots. */
class OtherProcess implements Executor, OwnStart {
  /** `asked 5`, or `began 5` for a run that it has begun by itself. */
  readonly runs: string[] = [];
  readonly stopped: number[] = [];
  /** What happens at the moment in which a run is to stop. */
  onStop: (shots: number) => void = () => {};
  readonly ownStart = this;
  /** The shots of the jobs that may begin. */
  allowed: readonly number[] = [];
  after: string | undefined;
  until = 0;
  readonly #ids = new Map<number, string>();
  readonly #ends = new Map<number, () => void>();
  /** What it has begun by itself, and whether that is over already. */
  readonly #begun: { readonly shots: number; readonly isOver: boolean }[] = [];

  get begun(): string | undefined {
    return this.#ids.get(this.#begun[0]?.shots ?? 0);
  }

  run(circuit: NativeGateIR, shots: number, { jobId, signal }: RunContext): Promise<ExecutionResult> {
    const begun = this.begun === jobId ? this.#begun.shift() : undefined;
    this.runs.push(`${begun === undefined ? 'asked' : 'began'} ${shots}`);
    signal.addEventListener('abort', () => {
      this.stopped.push(shots);
      this.onStop(shots);
    });
    if (begun?.isOver === true) return Promise.resolve(zeros(circuit, shots));
    return new Promise((resolve) => this.#ends.set(shots, () => resolve(zeros(circuit, shots))));
  }

  upcoming(jobs: readonly UpcomingJob[]): void {
    for (const { jobId, circuit } of jobs) this.#ids.set(circuit.shots, jobId);
  }

  allow(jobs: readonly UpcomingJob[], after: string, until: number): void {
    this.allowed = jobs.map(({ circuit }) => circuit.shots);
    this.after = after;
    this.until = until;
  }

  recall(): void {
    this.allowed = [];
  }

  /** Ends a run. `next` have begun before the node hears of it: all but the last one are over too. */
  end(shots: number, next: readonly number[] = this.allowed.slice(0, 1)): void {
    for (const one of next) this.#begun.push({ shots: one, isOver: one !== next.at(-1) });
    this.allowed = this.allowed.slice(next.length);
    this.#ends.get(shots)?.();
  }

  async runsAre(...runs: string[]): Promise<void> {
    await waitUntil('the runs', () => this.runs.length >= runs.length);
    assert.deepEqual(this.runs, runs);
  }

  /** Waits until these are the first that may begin; without any, until none may. */
  async allows(...shots: readonly number[]): Promise<void> {
    const first = (): readonly number[] =>
      shots.length === 0 ? this.allowed : this.allowed.slice(0, shots.length);
    await waitUntil(`allowing ${shots.join(' ')}`, () => first().join(' ') === shots.join(' '));
  }
}

/** A node with the executor, and a job on it for each of the shots. */
async function running(
  shots: readonly number[],
  { env = {}, plugins = [] }: { env?: Record<string, string>; plugins?: readonly Plugin[] },
  check: (world: { other: OtherProcess; jobs: string[]; test: TestNode }) => Promise<void>,
): Promise<void> {
  const other = new OtherProcess();
  const provide: Plugin = {
    name: 'provide',
    apply: (node) =>
      node.hooks.resolveExecutor.tap({ name: 'provide', stage: -1 }, () => ({
        executor: other,
        source: 'another process',
      })),
  };
  const test = await startTestNode({ cloud, env, plugins: [provide, ...plugins] });
  try {
    const jobs: string[] = [];
    for (const number of shots) jobs.push(await cloud.submit({ ir, shots: number }));
    await waitUntil('the first run and the queue', () => {
      const { queued } = test.node.jobs.figures();
      // The node does not take more ahead than it needs.
      return other.runs.length === 1 && queued >= Math.min(shots.length - 1, 2);
    });
    await check({ other, jobs, test });
  } finally {
    const ends = setInterval(() => shots.forEach((number) => other.end(number, [])), 10);
    await test.stop();
    clearInterval(ends);
  }
}

describe('the next job', () => {
  it('begins by itself: it is on the disk as started before it may, and the node does not ask for it', () =>
    running([1, 2, 3], {}, async ({ other, jobs, test }) => {
      await other.allows(2, 3);
      assert.equal(other.after, jobs[0]);
      const lease = other.until - performance.now();
      assert.ok(lease > 0 && lease < 60_000, `${lease} ms`);
      const started = readStarted(join(test.stateDir, 'coda-node-spool'));
      assert.ok(started.size >= 3, [...started].join(' '));
      other.end(1);
      await other.runsAre('asked 1', 'began 2');
      await cloud.whenState(jobs[1] ?? '', 'executing');
      assert.equal(test.node.jobs.current, jobs[1]);
      await other.allows(3);
      // It may as well not begin it: then the node asks.
      other.end(2, []);
      await other.runsAre('asked 1', 'began 2', 'asked 3');
      other.end(3);
      for (const jobId of jobs) assert.equal((await cloud.outcome(jobId)).status, 'completed');
      await waitUntil('acknowledging', async () => (await cloud.pending()) === 0);
      assert.deepEqual(cloud.violations, []);
    }));

  it('that arrives while another one runs may begin too', () =>
    running([1], {}, async ({ other, jobs }) => {
      const next = await cloud.submit({ ir, shots: 2 });
      await other.allows(2);
      other.end(1);
      await other.runsAre('asked 1', 'began 2');
      other.end(2);
      for (const jobId of [...jobs, next]) assert.equal((await cloud.outcome(jobId)).status, 'completed');
    }));

  it('may no longer begin while the device is held, and if it has all the same, the hold waits for its end', () =>
    running([1, 2, 3], {}, async ({ other, jobs, test }) => {
      await other.allows(2, 3);
      const held = test.node.jobs.hold('calibration');
      assert.deepEqual(other.allowed, []);
      let isHeld = false;
      void held.then(() => (isHeld = true));
      // The news comes too late.
      other.end(1, [2]);
      await other.runsAre('asked 1', 'began 2');
      await cloud.outcome(jobs[0] ?? '');
      assert.equal(isHeld, false);
      assert.deepEqual(other.allowed, []);
      other.end(2);
      const hold = await held;
      assert.deepEqual(other.runs, ['asked 1', 'began 2']);
      hold.release();
      await other.runsAre('asked 1', 'began 2', 'asked 3');
    }));

  it('is another one after a cancel; if it has begun all the same, its run is stopped, and the device is its own until then', () =>
    running([1, 2, 3], {}, async ({ other, jobs }) => {
      await other.allows(2, 3);
      await cloud.cancel(jobs[1] ?? '');
      await other.allows(3);
      other.end(1, [2]);
      await other.runsAre('asked 1', 'began 2');
      await cloud.outcome(jobs[0] ?? '');
      assert.deepEqual(other.stopped, [2]);
      assert.equal(cloud.results.has(jobs[1] ?? ''), false);
      other.end(2, []);
      await other.runsAre('asked 1', 'began 2', 'asked 3');
      other.end(3);
      assert.equal((await cloud.outcome(jobs[2] ?? '')).status, 'completed');
      assert.equal((await cloud.status(jobs[1] ?? ''))['state'], 'cancelled');
      assert.equal(cloud.results.has(jobs[1] ?? ''), false);
      assert.deepEqual(cloud.violations, []);
    }));

  it('may be the next of several that begin one after another before the node hears of it', () =>
    running([1, 2, 3, 4, 5], {}, async ({ other, jobs }) => {
      await other.allows(2, 3);
      // Cancelled, and too late: it has begun, and its run is stopped.
      await cloud.cancel(jobs[2] ?? '');
      await other.allows(2, 4);
      other.end(1, [2, 3]);
      await other.runsAre('asked 1', 'began 2', 'began 3');
      for (const jobId of jobs.slice(0, 2)) assert.equal((await cloud.outcome(jobId)).status, 'completed');
      assert.deepEqual(other.stopped, [3]);
      other.end(3, []);
      await other.runsAre('asked 1', 'began 2', 'began 3', 'asked 4');
      await other.allows(5);
      other.end(4);
      await other.runsAre('asked 1', 'began 2', 'began 3', 'asked 4', 'began 5');
      other.end(5);
      for (const jobId of jobs.slice(3)) assert.equal((await cloud.outcome(jobId)).status, 'completed');
      assert.equal((await cloud.status(jobs[2] ?? ''))['state'], 'cancelled');
      assert.equal(cloud.results.has(jobs[2] ?? ''), false);
      assert.deepEqual(cloud.violations, []);
    }));

  it('that has begun while the node shuts down is waited for', () =>
    running([1, 2], {}, async ({ other, jobs, test }) => {
      await other.allows(2);
      const stopped = test.node.stop();
      await other.allows();
      other.end(1, [2]);
      await other.runsAre('asked 1', 'began 2');
      other.end(2);
      await stopped;
      for (const jobId of jobs) assert.equal((await cloud.outcome(jobId)).status, 'completed');
    }));

  it('that has begun as the node gives up waiting is stopped, and runs again after the next start', () =>
    running([1, 2], { env: { CODA_SHUTDOWN_DRAIN_TIMEOUT_SEC: '1' } }, async ({ other, jobs, test }) => {
      await other.allows(2);
      other.onStop = (shots) => other.end(shots, shots === 1 ? [2] : []);
      await test.stop();
      await other.runsAre('asked 1', 'began 2');
      await waitUntil('stopping both', () => other.stopped.length === 2);
      assert.equal(await cloud.pending(), 2);
      for (const jobId of jobs) assert.equal(cloud.results.has(jobId), false);
    }));

  const calibrate: Plugin = {
    name: 'calibrate',
    apply: (node) => node.hooks.onJob.tap('calibrate', () => {}),
  };
  const retry: Plugin = {
    name: 'retry',
    apply: (node) =>
      node.hooks.wrapExecutor.tap('retry', (executor) => ({
        run: (...args: Parameters<Executor['run']>) => executor.run(...args),
        upcoming: (jobs: readonly UpcomingJob[]) => executor.upcoming?.(jobs),
      })),
  };
  const reasons: readonly (readonly [string, Parameters<typeof running>[1]])[] = [
    ['a plugin prepares the device for each job', { plugins: [calibrate] }],
    ['a plugin has its own way of running a job', { plugins: [retry] }],
    ['one crash is enough to give a job up', { env: { CODA_MAX_DELIVERIES: '1' } }],
  ];
  for (const [why, options] of reasons) {
    it(`may not begin by itself if ${why}`, () =>
      running([1, 2], options, async ({ other, jobs }) => {
        assert.deepEqual(other.allowed, []);
        other.end(1);
        await other.runsAre('asked 1', 'asked 2');
        other.end(2);
        for (const jobId of jobs) assert.equal((await cloud.outcome(jobId)).status, 'completed');
      }));
  }

  it('may not begin by itself beside another run', async () => {
    const other = new OtherProcess();
    const plugin: Plugin = {
      name: 'provide',
      apply: (node) =>
        node.hooks.resolveExecutor.tap('provide', () => ({ executor: other, source: 'another process' })),
    };
    const test = await startTestNode({ cloud, env: { CODA_CONCURRENCY: '2' }, plugins: [plugin] });
    try {
      const jobs: string[] = [];
      for (const shots of [1, 2, 3]) jobs.push(await cloud.submit({ ir, shots }));
      await waitUntil('the queue', () => other.runs.length === 2 && test.node.jobs.figures().queued === 1);
      assert.deepEqual(other.allowed, []);
      other.end(1);
      await other.runsAre('asked 1', 'asked 2', 'asked 3');
      for (const shots of [2, 3]) other.end(shots, []);
      for (const jobId of jobs) assert.equal((await cloud.outcome(jobId)).status, 'completed');
    } finally {
      await test.stop();
    }
  });
});
