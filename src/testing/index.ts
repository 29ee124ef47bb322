// What authors of executors and plugins import for their tests: `coda-node/testing`.
// src/compose.ts gives the same to the modules that a node loads. This file imports it, so it cannot import this file.
/// <reference types="node" preserve="true" />
export { startTestNode } from '../compose.ts';
export * from './tools.ts';
export type { TestNode, TestNodeOptions } from './node.ts';
