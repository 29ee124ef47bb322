// The table of the hooks agrees with itself and with the types that it stands for.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { PluginError } from '../../src/errors.ts';
import { createHooks, HOOKS, type HookSpec } from '../../src/hooks.ts';
import { silentLogger } from '../../src/log.ts';
import { ReadinessReport } from '../../src/kernel/readiness.ts';
import { SlowTaps } from '../../src/kernel/slow-taps.ts';
import { waitUntil } from '../../src/testing/index.ts';

const specs: Readonly<Record<string, HookSpec>> = HOOKS;

describe('the table of the hooks', () => {
  // Inside the project, so that its packages and its compiler settings apply.
  const folder = mkdtempSync(join(resolve('dist'), 'hooks-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('names neighbours that exist, each of which names the hook in turn', () => {
    for (const [name, { previous, next }] of Object.entries(specs)) {
      if (previous !== undefined) assert.equal(specs[previous]?.next, name, `before ${name}`);
      if (next !== undefined) assert.equal(specs[next]?.previous, name, `after ${name}`);
    }
  });

  it('describes the arguments as they are typed', () => {
    const taps = Object.entries(specs).map(
      ([name, { args }]) => `node.hooks.${name}.tap('test', (${args.join(', ')}) => undefined);`,
    );
    const code = `import type { Router } from '@koa/router';
import type { CodaNode, Cancellation, ConnectRequest, DeadLetter, EndedJob, Executor, IdleGap, Job, NativeGateIR, RunContext, RunOutcome, SeenResult, WebhookRequest } from '${resolve('src/index.ts')}';
import type { Batch, Delivery, ReadinessReport, SavedOutcome, Session } from '${resolve('src/kit.ts')}';
declare const node: CodaNode;
${taps.join('\n')}
`;
    writeFileSync(join(folder, 'taps.ts'), code);
    const options = {
      noEmit: true,
      noUnusedParameters: false,
      rootDir: '/',
      allowImportingTsExtensions: true,
      outDir: folder,
    };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: resolve('tsconfig.json'),
        compilerOptions: { ...options, rewriteRelativeImportExtensions: false },
        include: ['taps.ts'],
        exclude: [],
      }),
    );
    const tsc = resolve('node_modules', 'typescript', 'bin', 'tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout);
  });
});

describe('the hooks of a node', () => {
  const hooks = createHooks({
    timeoutMs: 1000,
    log: silentLogger,
    applying: () => 'lab',
    slowTaps: new SlowTaps(),
  });

  it('name the nearest one to code that asks for another', () => {
    const ask = (name: string): unknown => Reflect.get(hooks, name);
    assert.throws(
      () => ask('onJbo'),
      /there is no hook 'onJbo'; did you mean 'onJob'\?[^]*The hooks are boot, http/,
    );
    assert.throws(() => ask('somethingElse'), /there is no hook 'somethingElse'\n/);
    assert.equal('onJbo' in hooks, false);
  });

  it('refuse a tap without a name or a function, in every way to tap', () => {
    const tap = (hook: object, way: string, ...args: unknown[]): unknown => {
      const add: unknown = Reflect.get(hook, way);
      assert.ok(typeof add === 'function');
      return Reflect.apply(add, hook, args);
    };
    const run = (): void => {};
    const ways = [
      [hooks.onJob, 'onJob', 'tap'],
      [hooks.onJob, 'onJob', 'tapPromise'],
      [hooks.onJob, 'onJob', 'tapAsync'],
      [hooks.readiness, 'readiness', 'tap'],
    ] as const;
    for (const [hook, name, way] of ways) {
      for (const named of [run, undefined, '', ' ', 5, {}, { stage: 1 }, { name: 7 }]) {
        assert.throws(() => tap(hook, way, named, run), {
          name: 'PluginError',
          message: `plugin 'lab' taps ${name} without a name\n  → Write: node.hooks.${name}.${way}('my-plugin', …)`,
        });
      }
      for (const [fn, kind] of [
        [undefined, 'undefined'],
        [5, 'a number'],
        [Promise.resolve(), 'a Promise'],
      ] as const) {
        assert.throws(
          () => tap(hook, way, { name: 'lab' }, fn),
          new RegExp(`plugin 'lab' taps ${name} with ${kind} in place of a function\n  → The function`),
        );
      }
      assert.deepEqual(hook.taps, [], 'nothing is left of them');
    }
  });

  it('name a tap that hangs, with its own limit and what waits for it', async () => {
    const slowTaps = new SlowTaps();
    const own = createHooks({ timeoutMs: 60_000, log: silentLogger, applying: () => undefined, slowTaps });
    const ends: (() => void)[] = [];
    const hang = (): Promise<undefined> => new Promise((settle) => ends.push(() => settle(undefined)));
    const calls: Promise<unknown>[] = [];
    for (const name of ['onJob', 'prepare', 'mapResult', 'afterRun'] as const) {
      const hook: { tapPromise(options: { name: string; timeoutSec: number }, tap: typeof hang): void } =
        own[name];
      hook.tapPromise({ name: 'lab', timeoutSec: 600 }, hang);
      const { promise }: { promise: (...args: never[]) => Promise<unknown> } = own[name];
      calls.push(Reflect.apply(promise, own[name], []));
    }
    const reported = (): ReadinessReport => {
      const report = new ReadinessReport();
      slowTaps.report(report);
      return report;
    };
    await waitUntil('naming all', () => reported().troubles.length === 4);
    const told = reported().troubles.map(({ text, remedy, blocks }) => ({
      text: text.replace(/\d+ s/, 'n s'),
      remedy,
      blocks,
    }));
    const see = 'See what the plugin waits for.';
    assert.deepEqual(told, [
      {
        text: "plugin 'lab' has not settled in onJob after n s, and the next job waits for it",
        remedy: `After 600 s (timeoutSec of the tap) the job fails, and the node continues once the plugin ends. ${see}`,
        blocks: true,
      },
      ...['prepare', 'mapResult'].map((name) => ({
        text: `plugin 'lab' has not settled in ${name} after n s, and its job waits for it`,
        remedy: `After 600 s (timeoutSec of the tap) the job fails and the node continues. ${see}`,
        blocks: false,
      })),
      {
        text: "plugin 'lab' has not settled in afterRun after n s",
        remedy: `After 600 s (timeoutSec of the tap) the node continues without it. ${see}`,
        blocks: false,
      },
    ]);
    for (const end of ends) end();
    await Promise.all(calls);
    assert.deepEqual(reported().troubles, []);
  });

  it('are an ordinary object otherwise', async () => {
    assert.deepEqual(Object.keys(hooks), Object.keys(HOOKS));
    assert.equal(Object.prototype.toString.call(hooks), '[object Object]');
    assert.match(inspect(hooks), /onJob/);
    assert.equal(await Promise.resolve(hooks), hooks);
  });

  const answers: readonly (readonly [unknown, RegExp])[] = [
    [{ executor: {}, source: 'mine' }, /the executor that it returned has no method run/],
    [{ executor: { run() {}, device: 7 }, source: 'mine' }, /it returned has a device that is a number, not/],
    [
      { executor: { run() {}, device: { directedEdges: [[0, 1], [1]] } }, source: 'mine' },
      /it returned has a device with directedEdges\[1\] that is not a pair of qubit indices/,
    ],
    [{ executor: {} }, /the source that it returned is undefined/],
    [{ executor: { run() {}, close: 1 }, source: 'mine' }, /has a close that is a number, not a function/],
    [{ create: 1, source: 'mine' }, /its create is a number/],
    [{ source: 'mine' }, /the executor that it returned is undefined/],
    ['simulator', /it returned a string/],
  ];
  for (const [answer, expected] of answers) {
    it(`refuse ${inspect(answer)} as an executor, and name the plugin`, async () => {
      for (const tap of [() => answer, () => Promise.resolve(answer)]) {
        const own = createHooks({
          timeoutMs: 1000,
          log: silentLogger,
          applying: () => 'lab',
          slowTaps: new SlowTaps(),
        });
        own.resolveExecutor.tapPromise('lab', tap as () => Promise<undefined>);
        await assert.rejects(own.resolveExecutor.promise(), (error) => {
          assert.ok(error instanceof PluginError);
          assert.match(error.message, /^plugin 'lab' failed in resolveExecutor: /);
          assert.match(error.message, expected);
          return true;
        });
      }
    });
  }

  it('refuse what is no session, and name the plugin', async () => {
    for (const [answer, expected] of [
      ['session', /it returned a string, not a session/],
      [{ qpuId: 'qpu-1' }, /the nativeGateSet of the session that it returned is undefined, not a string/],
    ] as const) {
      const own = createHooks({
        timeoutMs: 1000,
        log: silentLogger,
        applying: () => 'lab',
        slowTaps: new SlowTaps(),
      });
      own.connect.tap('lab', () => answer as unknown as undefined);
      await assert.rejects(own.connect.promise(undefined), (error) => {
        assert.ok(error instanceof PluginError);
        assert.match(error.message, /^plugin 'lab' failed in connect: /);
        assert.match(error.message, expected);
        return true;
      });
    }
  });
});
