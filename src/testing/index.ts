// What authors of executors and plugins import for their tests: `coda-node/testing`.
// src/compose.ts gives the same to the modules that a node loads. This file imports it, so it cannot import this file.
/// <reference types="node" preserve="true" />
export { checkExecutor, startTestNode, testExecutor, testPlugin } from '../compose.ts';
export * from './tools.ts';
export type { TestNode, TestNodeOptions } from './node.ts';
export type { PlayedPlugin, TestPluginOptions, TestStep } from './test-plugin.ts';
export type { CloudAnswer, JobEnding, PlayedJob, Post, TestJob } from './in-memory/playing.ts';
export type { CheckExecutorOptions, TestExecutorOptions, TestFunction } from './test-executor.ts';
