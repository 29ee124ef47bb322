// What authors of executors and plugins import for their tests: `coda-node/testing`.
// src/compose.ts gives the same to the modules that a node loads. This file imports it, so it cannot import this file.
import { composeNode, loadNodeConfig } from '../compose.ts';
import type { CheckReport } from '../conformance/check.ts';
import { executorChecks, type CheckExecutorOptions, type TestExecutorOptions } from './test-executor.ts';

export { startTestNode, testPlugin } from '../compose.ts';
export * from './tools.ts';
export type { TestNode, TestNodeOptions } from './node.ts';
export type { PlayedPlugin, TestPluginOptions, TestStep } from './test-plugin.ts';
export type { CloudAnswer, JobEnding, PlayedJob, Post, TestJob } from './in-memory/playing.ts';
export type { CheckExecutorOptions, TestExecutorOptions, TestFunction } from './test-executor.ts';

const checks = executorChecks({ loadNodeConfig, composeNode });

/**
 * Registers a test for each check of an executor, with node:test or with the functions of another runner that are given.
 * `executor`: a factory, an executor, or what else `executor` in a configuration may be.
 */
export function testExecutor(executor: unknown, options: TestExecutorOptions = {}): void {
  checks.testExecutor(executor, options);
}

/** Makes the same checks without a test runner, and resolves with what they have found. */
export function checkExecutor(executor: unknown, options: CheckExecutorOptions = {}): Promise<CheckReport> {
  return checks.checkExecutor(executor, options);
}
