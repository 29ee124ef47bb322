// A plugin may have the device for itself between two jobs, see what the node does, and wrap the executor.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { definePlugin, type CodaNode, type Executor, type WrappedExecutor } from '../../src/index.ts';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';
import { BatchExecutor, CountingExecutor, HeldExecutor, zeros } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 4 };

describe('node.jobs.hold', () => {
  it('gives the device when it is idle, to one at a time, and shows why', async () => {
    const executor = new HeldExecutor();
    const nodes = new Map<string, CodaNode>();
    const plugins = ['couplers', 'fridge'].map((name) =>
      definePlugin({ name, apply: (node) => void nodes.set(name, node) }),
    );
    const test = await startTestNode({ cloud, executor, plugins });
    try {
      const { jobs } = test.node;
      const shown = (): string[] =>
        test.node
          .readiness()
          .reasons.map((reason) => reason.replace(/\(since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)/, '(since …)'))
          .filter((reason) => reason.includes('the device (since …)'));
      const ofPlugins = (): unknown => test.node.readiness().toJSON()['holds'];
      const running = await cloud.submit(job);
      await waitUntil('the run', () => executor.started.length === 1);
      const next = await cloud.submit(job);
      const given: string[] = [];
      const first = nodes
        .get('couplers')
        ?.jobs.hold('calibration')
        .then((hold) => {
          given.push('first');
          return hold;
        });
      const second = nodes
        .get('fridge')
        ?.jobs.hold('warm-up')
        .then((hold) => {
          given.push('second');
          return hold;
        });
      assert.deepEqual(shown(), [
        "plugin 'couplers' waits for the device (since …): calibration",
        "plugin 'fridge' waits for the device (since …): warm-up",
      ]);
      assert.deepEqual(given, []);
      executor.release(running);
      const hold = await first;
      assert.ok(hold);
      assert.deepEqual(given, ['first']);
      assert.equal(jobs.current, null);
      assert.deepEqual(shown(), [
        "plugin 'couplers' holds the device (since …): calibration",
        "plugin 'fridge' waits for the device (since …): warm-up",
      ]);
      const [its] = ofPlugins() as { since: string }[];
      assert.deepEqual(its, {
        plugin: 'couplers',
        reason: 'calibration',
        since: its?.since,
        has_device: true,
      });
      assert.ok(Math.abs(Date.now() - Date.parse(its.since)) < 600_000);
      await waitUntil('the line in the log', () =>
        test.log.some((line) => /WARN .*plugin 'couplers' holds the device \(since/.test(line)),
      );
      hold.release();
      hold.release();
      const other = await second;
      assert.ok(other);
      assert.deepEqual(shown(), ["plugin 'fridge' holds the device (since …): warm-up"]);
      assert.deepEqual(executor.started, [running]);
      await other[Symbol.asyncDispose]();
      await waitUntil('the next run', () => executor.started.includes(next));
      executor.release(next);
      await cloud.outcome(next);
      await waitUntil('being ready', () => test.node.readiness().ready);
      assert.equal(ofPlugins(), undefined);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('keeps a calibration from ever meeting a job, nor does one in onJob: 200 jobs, with random cancels', async () => {
    let onDevice = 0;
    let most = 0;
    let uses = 0;
    const use = async (): Promise<void> => {
      onDevice += 1;
      uses += 1;
      most = Math.max(most, onDevice);
      await new Promise((resolve) => void setTimeout(resolve, 1));
      onDevice -= 1;
    };
    const executor: Executor = {
      async run(ir, shots) {
        // Whatever its signal says: a device ends when it ends.
        await use();
        return zeros(ir, shots);
      },
    };
    const calibrate = definePlugin({
      name: 'calibrate',
      apply: ({ hooks }) =>
        hooks.onJob.tapPromise('calibrate', () => (uses % 7 === 0 ? use() : Promise.resolve())),
    });
    const random = fc.sample(fc.record({ isCancelled: fc.boolean(), after: fc.nat(200) }), 200);
    const test = await startTestNode({ cloud, executor, plugins: [calibrate] });
    try {
      const { jobs } = test.node;
      const jobIds = await Promise.all(random.map(() => cloud.submit(job)));
      const done = (): number => jobs.figures().completed + jobs.figures().cancelled;
      const cancels = random.map(async ({ isCancelled, after }, i) => {
        if (!isCancelled) return;
        await waitUntil(`${after} ended jobs`, () => done() >= Math.min(after, 190));
        await cloud.cancel(jobIds[i] ?? '');
      });
      for (let calibrations = 0; done() < jobIds.length; calibrations += 1) {
        const hold = await jobs.hold(`calibration ${calibrations}`);
        await use();
        hold.release();
        await new Promise((resolve) => void setTimeout(resolve, 3));
      }
      await Promise.all(cancels);
      assert.equal(most, 1);
      const { completed, cancelled, failed } = jobs.figures();
      assert.equal(failed, 0);
      assert.ok(cancelled > 0 && completed > 0, `${cancelled} cancelled, ${completed} completed`);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('asks for the device back at a shutdown, and gives it to nobody then', async () => {
    const test = await startTestNode({ cloud });
    const hold = await test.node.jobs.hold('calibration');
    const waiting = assert.rejects(test.node.jobs.hold('another'), /the node is shutting down/);
    hold.signal.addEventListener('abort', () => hold.release());
    await test.stop();
    await waiting;
    assert.equal(hold.signal.aborted, true);
  });

  it('wants a reason', async () => {
    const test = await startTestNode({ cloud });
    try {
      await assert.rejects(test.node.jobs.hold(' '), /takes the reason/);
      assert.equal(test.node.jobs.admission.isOpen, true);
    } finally {
      await test.stop();
    }
  });
});

describe('node.jobs.figures', () => {
  it('count what was done, and what is there', async () => {
    const executor = new HeldExecutor();
    const test = await startTestNode({ cloud, executor });
    try {
      const { jobs } = test.node;
      const done = await cloud.submit(job);
      await waitUntil('the first run', () => executor.started.includes(done));
      executor.release(done);
      await cloud.outcome(done);
      const running = await cloud.submit(job);
      const queued = await cloud.submit(job);
      await waitUntil('one that runs and one that waits', () => {
        const { queued: waiting, running: onDevice, delivered } = jobs.figures();
        return waiting === 1 && onDevice === 1 && delivered === 1;
      });
      await cloud.cancel(queued);
      await waitUntil('the cancel', () => jobs.figures().cancelled === 1);
      executor.release(running);
      await cloud.outcome(running);
      await waitUntil('the second delivery', () => jobs.figures().delivered === 2);
      await waitUntil('an empty outbox', () => jobs.figures().undelivered === 0);
      const { queued: waiting, running: onDevice, completed, failed, refused } = jobs.figures();
      assert.deepEqual([waiting, onDevice, completed, failed, refused], [0, 0, 2, 0, 0]);
      assert.ok(Date.parse(jobs.figures().lastDeliveryAt ?? '') > 0);
    } finally {
      await test.stop();
    }
  });
});

describe('the executor of a plugin', () => {
  class Closing extends CountingExecutor {
    #closed = 0;

    get closed(): number {
      return this.#closed;
    }

    close(): void {
      this.#closed += 1;
    }
  }

  const providing = (executor: Executor): ReturnType<typeof definePlugin> =>
    definePlugin({
      name: 'lab',
      apply: ({ hooks }) =>
        hooks.resolveExecutor.tap({ name: 'lab', stage: -1 }, () => ({ executor, source: 'the lab' })),
    });

  const wrapping = (wrap: (executor: Executor) => WrappedExecutor, name = 'wrapper') =>
    definePlugin({ name, apply: ({ hooks }) => hooks.wrapExecutor.tap(name, wrap) });

  it('is closed with the node, once, also through what wraps it', async () => {
    const executor = new Closing();
    const runs: string[] = [];
    const wrap = (below: Executor, name: string): WrappedExecutor => ({
      run(ir, shots, context) {
        runs.push(name);
        return below.run(ir, shots, context);
      },
    });
    const plugins = [
      providing(executor),
      wrapping((below) => wrap(below, 'inner'), 'inner'),
      wrapping((below) => wrap(below, 'outer'), 'outer'),
    ];
    const test = await startTestNode({ cloud, plugins });
    await cloud.outcome(await cloud.submit(job));
    assert.equal(test.node.executorSource, 'the lab');
    assert.notEqual(test.node.executor, executor);
    await test.stop();
    assert.deepEqual(runs, ['outer', 'inner']);
    assert.equal(executor.closed, 1);
  });

  it('is closed if it cannot be wrapped, and the plugin is named', async () => {
    const executor = new Closing();
    const broken = wrapping(() => ({ run: 1 }) as unknown as WrappedExecutor);
    await assert.rejects(
      startTestNode({ cloud, plugins: [providing(executor), broken] }),
      /plugin 'wrapper' failed in wrapExecutor: the executor that it returned has no method run/,
    );
    assert.equal(executor.closed, 1);
  });

  it('gets no job past a run that is wrapped alone, in batches', async () => {
    const forms: Record<string, [(below: Executor) => WrappedExecutor, boolean]> = {
      'run alone': [(below) => ({ run: (...args) => below.run(...args) }), false],
      both: [
        (below) => ({
          run: (...args) => below.run(...args),
          batchRun: (...args) => below.batchRun?.(...args) ?? Promise.reject(new Error('none')),
        }),
        true,
      ],
      neither: [() => ({}), true],
    };
    for (const [form, [wrap, hasBatches]] of Object.entries(forms)) {
      let node: CodaNode | undefined;
      const keep = definePlugin({ name: 'keep', apply: (applied) => void (node = applied) });
      const test = await startTestNode({
        cloud,
        plugins: [providing(new BatchExecutor()), wrapping(wrap), keep],
      });
      try {
        assert.equal(node?.executor.batchRun !== undefined, hasBatches, form);
        assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
      } finally {
        await test.stop();
      }
    }
  });
});
