// A plugin's failure names the plugin and the hook, and harms no more than it must.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  definePlugin,
  PluginError,
  serviceKey,
  type CodaNode,
  type HookName,
  type Plugin,
} from '../../src/index.ts';
import { HOOKS } from '../../src/hooks.ts';
import { bell, startLocalCloud, startTestNode, waitUntil, type LocalCloud } from '../../src/testing/index.ts';
import { HeldExecutor } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 4 };
type AnyTap = { tap(options: { name: string; stage: number }, fn: () => unknown): void };

/** Taps one hook, before all others. */
function tapping(hook: HookName, fn: () => unknown, name = 'culprit'): ReturnType<typeof definePlugin> {
  return definePlugin({
    name,
    apply: (node) => (node.hooks[hook] as unknown as AnyTap).tap({ name, stage: -100 }, fn),
  });
}

const explode = (): never => {
  throw new Error('kaboom');
};
const never = (): Promise<never> => new Promise(() => {});

const atBoot: HookName[] = [
  'boot',
  'resolveExecutor',
  'beforeConnect',
  'connect',
  'network',
  'start',
  'http',
];
const boundedAtBoot = atBoot.filter((hook) => HOOKS[hook].deadline === 'limit');

describe('a plugin that fails', () => {
  let cloud: LocalCloud;
  before(async () => {
    cloud = await startLocalCloud();
  });
  after(async () => {
    assert.deepEqual(cloud.violations, []);
    await cloud.close();
  });

  for (const hook of atBoot) {
    it(`in ${hook} ends the start, named, with the cause`, async () => {
      await assert.rejects(startTestNode({ cloud, plugins: [tapping(hook, explode)] }), (error) => {
        assert.ok(error instanceof PluginError);
        assert.equal(error.plugin, 'culprit');
        assert.equal(error.hook, hook);
        assert.match(error.message, new RegExp(`plugin 'culprit' failed in ${hook}: kaboom`));
        assert.match(String(error.cause), /kaboom/);
        return true;
      });
    });
  }

  for (const hook of boundedAtBoot) {
    it(`to settle in ${hook} is named after the deadline`, async () => {
      const start = startTestNode({
        cloud,
        plugins: [tapping(hook, never)],
        env: { CODA_HOOK_TIMEOUT_SEC: '0.05' },
      });
      await assert.rejects(start, new RegExp(`plugin 'culprit' has not settled in ${hook} after 0.05 s`));
    });
  }

  it('of wrong options does not start, and of right ones gets them', async () => {
    const got: number[] = [];
    const timed = definePlugin({
      name: 'timed',
      options: { type: 'object', properties: { everyMin: { type: 'number', default: 30 } } },
      apply: (_node, { everyMin }) => void got.push(everyMin),
    });
    await assert.rejects(
      startTestNode({ cloud, plugins: [[timed, { evryMin: 5 }]] }),
      /plugins\[0\]\.evryMin in the test \(plugin 'timed'\) is unknown; did you mean "everyMin"\?/,
    );
    const { stop } = await startTestNode({ cloud, plugins: [timed, [timed, { everyMin: 5 }, 'second']] });
    await stop();
    assert.deepEqual(got, [30, 5]);
  });

  it('in apply is named', async () => {
    const plugin = definePlugin({ name: 'culprit', apply: explode });
    await assert.rejects(
      startTestNode({ cloud, plugins: [plugin] }),
      /plugin 'culprit' failed in apply: kaboom/,
    );
  });

  it('with an async apply is refused, whatever becomes of its promise', async () => {
    for (const apply of [async () => {}, async () => explode(), () => never()]) {
      // What the types refuse, too.
      const plugin = { name: 'culprit', apply } as unknown as Plugin;
      await assert.rejects(
        startTestNode({ cloud, plugins: [plugin] }),
        /plugin 'culprit' has an async apply, and nothing waits for it\n  → Make apply a plain function/,
      );
    }
  });

  it('in onJob fails that job, by name, and not the next', async () => {
    let calls = 0;
    const plugin = tapping('onJob', () => {
      calls += 1;
      if (calls === 1) explode();
    });
    const test = await startTestNode({ cloud, plugins: [plugin] });
    try {
      const body = await cloud.outcome(await cloud.submit(job));
      assert.ok(body.status === 'failed');
      assert.match(body.error, /plugin 'culprit' failed in onJob: kaboom/);
      assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
    } finally {
      await test.stop();
    }
  });

  it('to settle in onJob fails that job, by name', async () => {
    const env = { CODA_HOOK_TIMEOUT_SEC: '0.05' };
    const test = await startTestNode({ cloud, plugins: [tapping('onJob', never)], env });
    try {
      const body = await cloud.outcome(await cloud.submit(job));
      assert.ok(body.status === 'failed');
      assert.match(body.error, /plugin 'culprit' has not settled in onJob after 0.05 s/);
    } finally {
      await test.stop();
    }
  });

  const observing: HookName[] = ['afterRun', 'onWebhook', 'readiness'];
  for (const hook of observing) {
    it(`in ${hook} is named in the log, and the result arrives`, async () => {
      const test = await startTestNode({ cloud, plugins: [tapping(hook, explode)] });
      try {
        assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
        test.node.readiness();
        const text = `plugin 'culprit' failed in ${hook}: kaboom`;
        await waitUntil('a line in the log', () => test.log.some((line) => line.includes(text)));
      } finally {
        await test.stop();
      }
    });
  }

  for (const hook of ['afterRun', 'onWebhook'] as const) {
    it(`to settle in ${hook} is named in the log, and the result arrives`, async () => {
      const env = { CODA_HOOK_TIMEOUT_SEC: '0.05' };
      const test = await startTestNode({ cloud, plugins: [tapping(hook, never)], env });
      try {
        assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
        const text = `plugin 'culprit' has not settled in ${hook}`;
        await waitUntil('a line in the log', () => test.log.some((line) => line.includes(text)));
      } finally {
        await test.stop();
      }
    });
  }

  it('in onCancel is named in the log, and the job is cancelled', async () => {
    const executor = new HeldExecutor();
    const test = await startTestNode({ cloud, executor, plugins: [tapping('onCancel', explode)] });
    try {
      const jobId = await cloud.submit(job);
      await cloud.whenState(jobId, 'executing');
      await cloud.cancel(jobId);
      await cloud.whenState(jobId, 'cancelled');
      assert.ok(test.log.some((line) => line.includes("plugin 'culprit' failed in onCancel: kaboom")));
    } finally {
      await test.stop();
    }
  });

  it('to settle is named before its limit, in /ready if a job waits for it', async () => {
    let settle = (): void => {};
    const hang = (): Promise<void> => new Promise((resolve) => (settle = resolve));
    const test = await startTestNode({
      cloud,
      plugins: [tapping('onJob', hang, 'chiller'), tapping('afterRun', hang, 'archive')],
      // Long enough for a slow machine to see the node before it gives the tap up.
      env: { CODA_HOOK_TIMEOUT_SEC: '8' },
    });
    const late = /plugin 'chiller' has not settled in onJob after \d+ s/;
    const isNamed = (): boolean => test.node.readiness().reasons.some((reason) => late.test(reason));
    try {
      const jobId = await cloud.submit(job);
      await waitUntil('naming the plugin', isNamed);
      const line = await waitUntil('the line', () => test.log.find((text) => late.test(text)));
      assert.match(line, /WARN .*After 8 s \(hookTimeoutSec\) the job fails/);
      settle();
      assert.equal((await cloud.outcome(jobId)).status, 'completed');
      assert.equal(isNamed(), false);
      const other = /'archive' has not settled in afterRun after \d+ s/;
      await waitUntil('naming the other', () => test.log.some((text) => other.test(text)));
      const trouble = test.node.readiness().troubles.find(({ text }) => other.test(text));
      assert.equal(trouble?.blocks, false);
      assert.match(trouble.remedy ?? '', /After 8 s \(hookTimeoutSec\) the node continues without it/);
      settle();
    } finally {
      await test.stop();
    }
  });

  it('in deliver or batchSize holds nothing up for good', async () => {
    let failures = 0;
    const once = (): void => {
      failures += 1;
      if (failures === 1) explode();
    };
    const test = await startTestNode({
      cloud,
      plugins: [tapping('deliver', once), tapping('batchSize', explode, 'other')],
    });
    try {
      assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
    } finally {
      await test.stop();
    }
  });

  it('to answer a synchronous hook at once is named', async () => {
    const start = startTestNode({ cloud, plugins: [tapping('http', () => Promise.resolve())] });
    await assert.rejects(
      start,
      /plugin 'culprit' failed in http: the hook is synchronous, but the tap returned a promise/,
    );
  });

  it('to stand before a tap that is not there is named', async () => {
    const plugin = definePlugin({
      name: 'culprit',
      apply: (node) => node.hooks.onJob.tap({ name: 'culprit', before: 'nobody' }, () => {}),
    });
    await assert.rejects(
      startTestNode({ cloud, plugins: [plugin] }),
      /'culprit' wants its onJob tap before 'nobody'/,
    );
  });
});

describe('services', () => {
  let cloud: LocalCloud;
  before(async () => {
    cloud = await startLocalCloud();
  });
  after(async () => {
    await cloud.close();
  });
  const calibration = serviceKey<{ drift(): number }>('calibration');
  const provider = (name: string): ReturnType<typeof definePlugin> =>
    definePlugin({
      name,
      apply: (node: CodaNode) => node.services.provide(calibration, { drift: () => 0.25 }),
    });
  const consumer = definePlugin({
    name: 'consumer',
    apply(node) {
      const service = node.services.require(calibration);
      node.hooks.onJob.tap('consumer', () => void service().drift());
    },
  });

  it('reach the plugin that requires them, in whatever order the two are applied', async () => {
    const test = await startTestNode({ cloud, plugins: [consumer, provider('fridge')] });
    try {
      assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
    } finally {
      await test.stop();
    }
  });

  it('that no plugin provides are named at boot, with the plugin that needs them', async () => {
    await assert.rejects(
      startTestNode({ cloud, plugins: [consumer] }),
      /'consumer' requires service 'calibration'/,
    );
  });

  it('that two plugins provide are named at boot, with both', async () => {
    const plugins = [provider('fridge'), provider('laser')];
    await assert.rejects(
      startTestNode({ cloud, plugins }),
      /'laser' provides service 'calibration', which plugin 'fridge'/,
    );
  });
});
