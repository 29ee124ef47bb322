// Nodes that only resolve their executor, and the executor or the error that they give.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { discovery } from '../../../plugins/discovery/index.ts';
import { ExecutorError, type ExecutionResult, type NativeGateIR, type Settings } from '../../../src/index.ts';
import type { LoadedExecutor } from '../../../src/kit.ts';
import { factoryContext } from '../../../src/config/factory-context.ts';
import { makeExecutor } from '../../../src/device/make-executor.ts';
import { silentLogger } from '../../../src/log.ts';
import { standIn, type StandIn, type StandInOptions } from '../../support/harness.ts';
import { folder } from './modules.ts';

export const IR: NativeGateIR = {
  version: '1.0',
  target: 'cz',
  num_qubits: 3,
  gates: [],
  measurements: [0, 1, 2],
  metadata: { source_hash: '', compiled_at: '', compiler_version: '0.1.0', optimization_level: 2 },
};

/** A node whose configuration names `value`. */
export function nodeWith(
  t: TestContext,
  value: unknown,
  baseDir: string,
  settings: Partial<Settings> = {},
): StandIn {
  return standIn(t, discovery(), {
    settings,
    executorChoice: { value, baseDir, source: 'CODA_EXECUTOR_FACTORY' },
  });
}

export async function resolve(node: StandIn): Promise<LoadedExecutor> {
  const resolved = await node.hooks.resolveExecutor.promise();
  assert.ok(resolved !== undefined);
  if ('executor' in resolved) return resolved;
  const { settings, modules, log } = node;
  const context = await factoryContext(modules, settings.deviceConfig, log);
  return makeExecutor(resolved, settings, context, log, 60_000);
}

export function run({ executor }: LoadedExecutor, shots = 1): Promise<ExecutionResult> {
  return executor.run(IR, shots, { jobId: 'job-1', signal: new AbortController().signal, log: silentLogger });
}

export async function failure(node: StandIn): Promise<ExecutorError> {
  const error: unknown = await resolve(node).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ExecutorError, String(error));
  return error;
}

/** Runs `action` with another working directory; the tests of one file run one after the other. */
export async function inFolder<T>(root: string, action: () => Promise<T>): Promise<T> {
  const before = process.cwd();
  process.chdir(root);
  try {
    return await action();
  } finally {
    process.chdir(before);
  }
}

/** What a node finds that is started in this folder. */
export function found(
  t: TestContext,
  root: string,
  options: StandInOptions = {},
): Promise<{ node: StandIn; loaded: LoadedExecutor }> {
  return inFolder(root, async () => {
    const node = standIn(t, discovery(), options);
    return { node, loaded: await resolve(node) };
  });
}

/** A choice that is refused: its description, the files, the chosen value, and the error. */
export type Refused = readonly [what: string, files: Record<string, string>, value: string, expected: RegExp];

export function testRefused(refused: readonly Refused[]): void {
  for (const [what, files, value, expected] of refused) {
    test(`${what} is an ExecutorError that says so`, async (t) => {
      const { message } = await failure(nodeWith(t, value, folder(t, files)));
      assert.match(message, expected);
    });
  }
}
