// `coda-node`: what users write: a configuration, a plugin, an executor. Stable: a name here changes only with a major version.
// What the built-in plugins use beyond it is in kit.ts.
/// <reference types="node" preserve="true" />
export { defineConfig, type CodaConfig, type ConfigExport, type PluginEntry } from './config/define.ts';
export type { PluginOptions } from './config/plugins/known.ts';
export type { JsonSchema, OptionsSchema } from './config/plugins/schema-types.ts';
export type { Settings } from './config/settings.ts';
export {
  AuthError,
  CodaError,
  ConfigError,
  ExecutorDiedError,
  ExecutorError,
  HeartbeatRejectedError,
  JobError,
  messageOf,
  NodeError,
  PluginError,
  VPNError,
  WebhookError,
} from './errors.ts';
export type {
  BatchJob,
  Device,
  Edge,
  ExecutionResult,
  Executor,
  ExecutorContext,
  ExecutorFactory,
  RunContext,
  SeenResult,
  UpcomingJob,
} from './device/executor.ts';
export type { DeviceFigures } from './device/device-time.ts';
export type { Hold } from './device/holds.ts';
export { python, type PythonChoice } from './device/python.ts';
export type { WrappedExecutor } from './device/wrap-executor.ts';
export type { RunOutcome } from './device/result.ts';
export type { Cancellation, ConnectRequest, HookName, Hooks, WebhookRequest } from './hooks.ts';
export type { Annotations, Json } from './jobs/annotations.ts';
export type { CircuitFigures, EndedJob, IdleGap, IdleReason } from './jobs/ended-job.ts';
export type { Job } from './jobs/job.ts';
export type { JobFigures, Jobs, LocalOutcome, LocalRun, RunningJob, WaitingJob } from './jobs/jobs.ts';
export { serviceKey, type ServiceKey } from './kernel/services.ts';
export type { Logger } from './log.ts';
export {
  definePlugin,
  type CodaNode,
  type GivenOptionsOf,
  type OptionsOf,
  type Plugin,
  type PluginTakingOptions,
  type PluginWithOptions,
} from './plugin.ts';
export {
  GATES,
  LEGAL_GATES,
  parseIr,
  validateIr,
  type Gate,
  type GateName,
  type NativeGateIR,
  type Target,
} from './protocol/ir.ts';
export type { Outcome } from './protocol/webhook.ts';
