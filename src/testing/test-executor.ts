// `testExecutor`: the checks of an executor as tests of node:test or vitest. `checkExecutor`: the same, for programs.
import type { CheckReport, CheckResult } from '../conformance/check.ts';
import { CheckSession, type OpenSubject } from '../conformance/session.ts';
import type { CheckOptions } from '../conformance/terms.ts';
import { silentLogger } from '../log.ts';
import type { Plugin } from '../plugin.ts';
import type { Composition } from './node.ts';
import { openSubject } from './open-subject.ts';

/** How an executor is made and checked. */
export interface CheckExecutorOptions extends CheckOptions {
  /** Environment variables of the node, such as `{ CODA_DEVICE_CONFIG: 'site/device.yaml' }`. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

type Body = (context: unknown) => Promise<void>;
/** As of node:test and vitest. */
export type TestFunction = (name: string, options: { timeout: number }, body: Body) => unknown;

export interface TestExecutorOptions extends CheckExecutorOptions {
  /** Name of the group of tests. Default: `the executor`. */
  readonly name?: string | undefined;
  /** The runner's `test` or `it`. Default: the global one, else that of node:test. */
  readonly test?: TestFunction | undefined;
  /** The runner's `describe`. Without one the tests stand alone. */
  readonly describe?: ((name: string, body: () => void) => unknown) | undefined;
  /** The runner's `after` or `afterAll`, to close the executor although its last test is filtered out. */
  readonly afterAll?: ((body: () => Promise<void>) => unknown) | undefined;
}

interface Runner extends Pick<TestExecutorOptions, 'describe' | 'afterAll'> {
  readonly test: TestFunction;
}

/** Longer than all runs of a check and their cancels take. */
const TEST_TIMEOUT_MS = 600_000;

/** Makes all checks, and closes the executor. */
export async function runChecks(
  composition: Composition,
  executor: unknown,
  options: CheckExecutorOptions,
): Promise<CheckReport> {
  const session = newSession(composition, executor, options);
  try {
    return await session.all();
  } finally {
    await session.end();
  }
}

/** Registers one test for each check. */
export function registerChecks(
  composition: Composition,
  executor: unknown,
  options: TestExecutorOptions,
): void {
  const { test, describe, afterAll } = runnerOf(options);
  const session = newSession(composition, executor, options);
  const name = options.name ?? 'the executor';
  const addTests = (): void => {
    for (const { id, title } of session.checks) {
      const sentence = describe === undefined ? `${name}: ${id}: ${title}` : `${id}: ${title}`;
      void test(sentence, { timeout: TEST_TIMEOUT_MS }, async (context) => {
        show(await session.result(id), context);
        // Without a hook for it, the last check is the end.
        if (afterAll === undefined && id === session.checks.at(-1)?.id) await session.end();
      });
    }
    void afterAll?.(() => session.end());
  };
  if (describe === undefined) addTests();
  else void describe(name, addTests);
}

function newSession(
  composition: Composition,
  executor: unknown,
  options: CheckExecutorOptions,
): CheckSession {
  return new CheckSession(() => open(composition, executor, options), options);
}

async function open(
  { loadNodeConfig, composeNode }: Composition,
  value: unknown,
  { target, qubits, env = {} }: CheckExecutorOptions,
): Promise<OpenSubject> {
  // Neither the credentials nor the config file of this folder have a part in it.
  const loaded = await loadNodeConfig({
    env,
    flags: { nativeGateSet: target, numQubits: qubits },
    cwd: process.cwd(),
    log: silentLogger,
    readState: false,
    readConfigFile: false,
  });
  const executor = { value, baseDir: process.cwd(), source: 'the test' };
  const config = { ...loaded, executor };
  return openSubject((keepsOpen: Plugin) =>
    composeNode({ config, env: { ...process.env, ...env }, log: silentLogger, plugins: [keepsOpen] }),
  );
}

/** Ends a test as its check has ended. */
function show({ status, findings, note }: CheckResult, context: unknown): void {
  const texts = findings.map(({ what, why, how }) => `${what}\n  why: ${why}\n  → ${how}`);
  if (status === 'failed') throw new Error(texts.join('\n'));
  for (const text of texts) tell(context, ['diagnostic', 'annotate'], `warning: ${text}`);
  if (status === 'left out') tell(context, ['skip'], `left out: ${note ?? ''}`);
  else if (note !== undefined) tell(context, ['diagnostic'], note);
}

/** Calls the first of these methods that the context of a test has. */
function tell(context: unknown, names: readonly string[], text: string): void {
  // That of vitest is a function.
  if ((typeof context !== 'object' && typeof context !== 'function') || context === null) return;
  const name = names.find((one) => typeof Reflect.get(context, one) === 'function');
  const method: unknown = name === undefined ? undefined : Reflect.get(context, name);
  if (typeof method === 'function') void Reflect.apply(method, context, [text]);
}

/** The given runner, the global functions of one, or node:test. Throws a TypeError in vitest without either. */
function runnerOf({ test, describe, afterAll }: TestExecutorOptions): Runner {
  if (test !== undefined) return { test, describe, afterAll };
  const globals = globalThis as Partial<Record<'test' | 'describe' | 'afterAll', unknown>>;
  if (typeof globals.test === 'function') {
    return {
      test: globals.test as TestFunction,
      describe: describe ?? (globals.describe as Runner['describe']),
      afterAll: afterAll ?? (globals.afterAll as Runner['afterAll']),
    };
  }
  if (process.env['VITEST'] !== undefined) {
    throw new TypeError(
      "testExecutor needs vitest's functions\n  → import { afterAll, describe, test } from 'vitest'; testExecutor(createExecutor, { test, describe, afterAll });",
    );
  }
  const runner = process.getBuiltinModule('node:test');
  return {
    test: runner.test as TestFunction,
    describe: describe ?? ((name, body) => runner.describe(name, body)),
    afterAll: afterAll ?? ((body) => runner.after(body)),
  };
}
