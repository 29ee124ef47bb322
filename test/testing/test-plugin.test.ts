// testPlugin: a node in memory plays jobs, and tells what became of them. No Redis and no cloud are started here.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  definePlugin,
  ExecutorDiedError,
  type CodaNode,
  type Executor,
  type Plugin,
} from '../../src/index.ts';
import { ghz, testPlugin, type TestJob } from '../../src/testing/index.ts';
import { BatchExecutor, CountingExecutor, HeldExecutor, zeros } from '../support/executors.ts';

const tapping = (apply: Plugin['apply']): Plugin => definePlugin({ name: 'mine', apply });
const nothing = tapping(() => {});

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve());
  });
}

describe('testPlugin', () => {
  const endings = async (job: TestJob, plugin = nothing): Promise<unknown[]> => {
    const { jobs } = await testPlugin(plugin, { jobs: [job, {}] });
    assert.equal(jobs[1]?.ending, 'completed', 'the next job');
    const [{ ending, posts } = { ending: '', posts: [] }] = jobs;
    return [ending, posts.map(({ answer }) => answer)];
  };

  it('plays one job if the test names none', async () => {
    const { jobs, connect } = await testPlugin(nothing);
    assert.deepEqual(
      jobs.map(({ body }) => body),
      [
        {
          job_id: 'job-1',
          status: 'completed',
          counts: { '00': 100 },
          execution_time_ms: 1,
          shots_completed: 100,
        },
      ],
    );
    assert.equal(connect?.mode, 'token');
  });

  it('gives the plugin its options as a configuration does, whatever makes the plugin', async () => {
    const seen: unknown[] = [];
    const plugin = definePlugin({
      name: 'fridge',
      options: {
        type: 'object',
        properties: {
          millikelvin: { type: 'number', minimum: 1, default: 20 },
          password: { type: 'string', writeOnly: true },
        },
      },
      apply(node, options) {
        seen.push(options);
        node.log.info(`with ${options.password}`);
      },
    });
    await testPlugin(plugin);
    const { log } = await testPlugin(plugin, {
      options: { millikelvin: 12, password: 'hunter2-of-the-lab' },
    });
    assert.deepEqual(seen, [{ millikelvin: 20 }, { millikelvin: 12, password: 'hunter2-of-the-lab' }]);
    assert.ok(log.some((line) => line.endsWith('with ***')));
    await assert.rejects(
      testPlugin(plugin, { options: { milikelvin: 12 } as object }),
      /milikelvin in the test \(plugin 'fridge'\) is unknown; did you mean "millikelvin"/,
    );

    class Counter implements Plugin {
      readonly name = 'counter';
      readonly from: number;
      constructor({ from }: { from: number }) {
        this.from = from;
      }
      apply({ hooks }: CodaNode): void {
        hooks.onJob.tap(this.name, (job) => job.annotate('from', this.from));
      }
    }
    const played = await testPlugin(Counter, {
      options: { from: 7 },
      plugins: [[plugin, { millikelvin: 1 }, 'other']],
    });
    assert.deepEqual(played.jobs[0]?.annotations, { from: 7 });
    assert.deepEqual(seen.at(-1), { millikelvin: 1 });
  });

  it('needs no disk', async () => {
    const stateDir = join(tmpdir(), 'coda-that-nobody-makes');
    for (let i = 0; i < 20; i += 1) await testPlugin(nothing, { settings: { stateDir } });
    assert.equal(existsSync(stateDir), false);
  });

  it('answers each attempt to deliver as the test says', async () => {
    assert.deepEqual(await endings({ answers: [503, 'unreachable', 429] }), [
      'completed',
      [503, 'unreachable', 429, 200],
    ]);
    assert.deepEqual(await endings({ answers: [422] }), ['refused', [422]]);
    assert.deepEqual(await endings({ fails: 'the laser is off' }), ['failed', [200]]);
    assert.deepEqual(await endings({ ir: '{}' }), ['failed', [200]]);
    const never = Array.from({ length: 30 }, () => 503);
    assert.deepEqual(await endings({ answers: never }), ['undelivered', never.slice(0, 20)]);
  });

  it('cancels a job at any stage', async () => {
    const stages: string[] = [];
    const plugin = tapping(({ hooks }) => {
      hooks.onCancel.tap('mine', ({ jobId, stage }) => void stages.push(`${jobId} ${stage}`));
      hooks.prepare.tapPromise('mine', async () => undefined);
    });
    for (const cancel of ['queued', 'running', 'delivering', Promise.resolve()] as const) {
      assert.deepEqual(await endings({ cancel }, plugin), ['cancelled', []]);
    }
    assert.deepEqual(stages, ['job-1 queued', 'job-1 running', 'job-1 delivering', 'job-1 queued']);
  });

  it('stops what is on the device when it cancels a job', async () => {
    const executor = new HeldExecutor();
    const { jobs } = await testPlugin(nothing, { executor, jobs: [{ cancel: 'running' }] });
    assert.equal(jobs[0]?.ending, 'cancelled');
    assert.deepEqual([executor.started, executor.cancels], [['job-1'], 1]);
  });

  it('keeps what was measured if a plugin fails the job after its run', async () => {
    const plugin = tapping(({ hooks }) =>
      hooks.mapResult.tap('mine', () => {
        throw new Error('kaboom');
      }),
    );
    const { jobs } = await testPlugin(plugin, { jobs: [{ result: { counts: { '01': 3, '11': 4 } } }] });
    assert.equal(jobs[0]?.error, "plugin 'mine' failed in mapResult: kaboom");
    assert.deepEqual(jobs[0]?.measured, {
      status: 'completed',
      counts: { '01': 3, '11': 4 },
      executionTimeMs: 1,
      shotsCompleted: 7,
    });
  });

  it('hands over several jobs at once, as the real plugin for batches does', async () => {
    const executor = new BatchExecutor();
    const { jobs } = await testPlugin(nothing, {
      executor,
      settings: { batchSize: 3 },
      jobs: [{}, {}, { result: { counts: { '11': 2 } } }, { fails: 'too warm' }, {}],
    });
    assert.deepEqual(executor.runs, ['job-1', 'job-5']);
    assert.deepEqual(executor.batches, [['job-2', 'job-3', 'job-4']]);
    assert.deepEqual(
      jobs.map(({ ending, error, runs }) => [ending, error, runs]),
      [
        ['completed', undefined, 1],
        ['completed', undefined, 1],
        ['completed', undefined, 1],
        ['failed', 'too warm', 1],
        ['completed', undefined, 1],
      ],
    );
  });

  it('starts a job again whose executor has died, as often as the settings say', async () => {
    const executor: Executor = { run: () => Promise.reject(new ExecutorDiedError('the process is gone')) };
    const { jobs } = await testPlugin(nothing, { executor, settings: { maxDeliveries: 2 } });
    assert.equal(jobs[0]?.runs, 2);
    assert.match(jobs[0]?.error ?? '', /started 2 times without an outcome/);
  });

  it('calls a step once the jobs before it have ended, and every tap that sees them', async () => {
    const seen: string[] = [];
    const slowly = (what: string) => async (job: { jobId: string }) => {
      await new Promise<void>((resolve) => void setImmediate(resolve));
      seen.push(`${what} ${job.jobId}`);
    };
    const plugin = tapping(({ hooks }) => {
      hooks.afterRun.tapPromise('mine', slowly('ran'));
      hooks.afterDeliver.tapPromise('mine', slowly('delivered'));
      hooks.onCancel.tapPromise('mine', slowly('cancelled'));
    });
    let node: CodaNode | undefined;
    await testPlugin(plugin, {
      jobs: [
        {},
        (running) => {
          node = running;
          seen.push('step');
          assert.equal(running.readiness().ready, true);
          assert.equal(running.jobs.figures().delivered, 1);
        },
        { cancel: 'queued' },
      ],
    });
    assert.deepEqual(seen, ['ran job-1', 'delivered job-1', 'step', 'cancelled job-2']);
    assert.equal(node?.phase, 'closed');
  });

  it('lets a step hold the device', async () => {
    const order: string[] = [];
    const executor: Executor = {
      run(ir, shots, { jobId }) {
        order.push(jobId);
        return Promise.resolve(zeros(ir, shots));
      },
    };
    await testPlugin(nothing, {
      executor,
      jobs: [
        {},
        async (node) => {
          const hold = await node.jobs.hold('tune-up');
          order.push('held');
          assert.match(
            node.readiness().reasons.join(),
            /the program of the node holds the device \(since .*\): tune-up/,
          );
          setImmediate(() => {
            order.push('released');
            hold.release();
          });
        },
        {},
      ],
    });
    assert.deepEqual(order, ['job-1', 'held', 'released', 'job-2']);
  });

  it('drains the node at the end, and waits for who holds the device', async () => {
    const order: string[] = [];
    const plugin = tapping((node) => {
      node.hooks.drain.tap('mine', () => void order.push('drain'));
      node.onClose('mine', () => void order.push('closed'));
    });
    const holding = async (node: CodaNode): Promise<void> => {
      const hold = await node.jobs.hold('tune-up');
      hold.signal.addEventListener('abort', () => {
        order.push('asked');
        setImmediate(() => {
          order.push('released');
          hold.release();
        });
      });
    };
    await testPlugin(plugin, { jobs: [{}, holding] });
    assert.deepEqual(order, ['drain', 'asked', 'released', 'closed']);
  });

  it('fails as the start of a node fails, and as a step fails', async () => {
    const broken = tapping(({ hooks }) =>
      hooks.start.tapPromise('mine', () => Promise.reject(new Error('kaboom'))),
    );
    await assert.rejects(testPlugin(broken), /plugin 'mine' failed in start: kaboom/);
    let closed = false;
    const closing = tapping((node) => node.onClose('mine', () => void (closed = true)));
    const step = (): never => assert.fail('not as expected');
    await assert.rejects(testPlugin(closing, { jobs: [{}, step] }), /not as expected/);
    assert.equal(closed, true);
    const failingNode = tapping((node) =>
      node.hooks.onJob.tapPromise('mine', (_job, { signal }) => {
        node.fail(new Error('the fridge has gone'));
        return aborted(signal);
      }),
    );
    await assert.rejects(testPlugin(failingNode), /the fridge has gone/);
    const forEver = { jobs: [{}, (node: CodaNode) => node.jobs.hold('for ever'), {}, {}], timeoutMs: 200 };
    await assert.rejects(
      testPlugin(nothing, forEver),
      /(?:job-\d|a step).* did not end within 0\.2 s.*\n.*timeoutMs/,
    );
  });

  it('answers what plugins request, and reaches nothing else', async () => {
    const plugin = tapping((node) =>
      node.hooks.onJob.tapPromise('mine', async (job) => {
        const request = { method: 'GET', url: 'https://lab.example.org/fridge', timeoutMs: 1000 } as const;
        job.annotate('answer', (await node.http.request(request)).text);
      }),
    );
    const { jobs, requests } = await testPlugin(plugin, { http: () => ({ text: '12 mK' }) });
    assert.equal(jobs[0]?.annotations['answer'], '12 mK');
    assert.deepEqual(
      requests.map(({ url }) => url),
      ['https://lab.example.org/fridge'],
    );
    const alone = await testPlugin(plugin);
    assert.match(alone.jobs[0]?.error ?? '', /cannot be reached: testPlugin has no network/);
  });

  it('says that it has no Redis', async () => {
    const plugin = tapping((node) => node.hooks.start.tap('mine', () => void node.redis('mine')));
    await assert.rejects(testPlugin(plugin), /there is no Redis in testPlugin\n.*startTestNode/);
  });

  it('shows the connect and the posts as plugins have changed them, and calls for routes', async () => {
    const calls: string[] = [];
    const plugin = tapping(({ hooks }) => {
      hooks.beforeConnect.tap('mine', ({ headers }) => void (headers['x-lab'] = 'seven'));
      hooks.onWebhook.tap('mine', ({ headers, attempt }) => void (headers['x-attempt'] = String(attempt)));
      hooks.http.tap('mine', (router) => void calls.push(typeof router.get));
    });
    const { connect, jobs } = await testPlugin(plugin, { jobs: [{ answers: [503] }] });
    assert.equal(connect?.headers['x-lab'], 'seven');
    assert.deepEqual(
      jobs[0]?.posts.map(({ headers }) => headers['x-attempt']),
      ['1', '2'],
    );
    assert.equal(jobs[0]?.posts[0]?.headers['authorization'], 'Bearer test-token');
    assert.deepEqual(calls, ['function']);
  });

  it('runs the circuits on the simulator, or on the executor of the plugin', async () => {
    const { ir, expected } = ghz(4, 'iswap');
    const { jobs } = await testPlugin(nothing, { executor: 'simulator', jobs: [{ ir, shots: 200 }] });
    const [job] = jobs;
    assert.ok(job?.outcome?.status === 'completed');
    assert.equal(expected(job.outcome.counts, 200).ok, true);
    const executor = new CountingExecutor();
    const bringing = tapping(({ hooks }) =>
      hooks.resolveExecutor.tap('mine', () => ({ executor, source: 'the lab' })),
    );
    const own = await testPlugin(bringing, { jobs: [{ shots: 4 }] });
    assert.deepEqual(executor.runs, ['job-1']);
    assert.equal(own.jobs[0]?.runs, 1);
  });

  it('leaves out the built-in plugin that the plugin replaces', async () => {
    const delivered: string[] = [];
    const plugin = definePlugin({
      name: 'webhook',
      apply: ({ hooks }) =>
        hooks.deliver.tap('webhook', ({ jobId }) => {
          delivered.push(jobId);
          return { kind: 'delivered' } as const;
        }),
    });
    const { jobs } = await testPlugin(plugin);
    assert.deepEqual([jobs[0]?.ending, jobs[0]?.posts, delivered], ['completed', [], ['job-1']]);
  });
});
