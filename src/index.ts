// What users import, and the only door through which plugins see the node.
export { defineConfig, type CodaConfig, type PluginEntry } from './config/define.ts';
export { cloudUrl, cloudWords, extraHeaders } from './cloud.ts';
export type { ExecutorChoice } from './config/load.ts';
export type { Settings } from './config/settings.ts';
export { readPrivateFile, writeFileAtomic } from './config/files.ts';
export { importModule, moduleFailure, resolveModule } from './config/modules.ts';
export { makeStateDir, writeState, type PersistedState } from './config/state.ts';
export {
  AuthError,
  CodaError,
  ConfigError,
  ExecutorError,
  HeartbeatRejectedError,
  JobError,
  messageOf,
  NodeError,
  PluginError,
  VPNError,
  WebhookError,
} from './errors.ts';
export {
  connectivityOf,
  type BatchJob,
  type Device,
  type Edge,
  type ExecutionResult,
  type Executor,
  type LoadedExecutor,
  type RunContext,
} from './executor/executor.ts';
export type {
  Batch,
  Cancellation,
  ConnectRequest,
  Delivery,
  HookName,
  Hooks,
  WebhookRequest,
} from './hooks.ts';
export { TransportError, type HttpAnswer, type HttpClient, type HttpRequest } from './http.ts';
export type { Gate } from './jobs/gate.ts';
export type { Job, SavedOutcome } from './jobs/job.ts';
export type { Jobs } from './jobs/path.ts';
export { readPause, type Pause } from './jobs/pause-file.ts';
export type { Logger } from './log.ts';
export { definePlugin, type CodaNode, type ExecutorFactory, type Plugin } from './plugin.ts';
export { parseBundle, type Bundle } from './protocol/bundle.ts';
export {
  GATES,
  LEGAL_GATES,
  parseIr,
  parseIrInSteps,
  validateIr,
  type Gate as CircuitGate,
  type GateName,
  type NativeGateIR,
  type Target,
} from './protocol/ir.ts';
export { createSigner, type TokenSigner } from './protocol/jwt.ts';
export { CANCEL_KEY_PREFIX, cancelKey, jobIdOfCancelKey } from './protocol/keys.ts';
export { isRecord, kindOf, printable } from './protocol/text.ts';
export { webhookBody, type Outcome } from './protocol/webhook.ts';
export { ReadinessReport, type VpnState } from './readiness.ts';
export { whichExist } from './redis.ts';
export { serviceKey, type ServiceKey, type Services } from './services.ts';
export type { Session, VpnTerms } from './session.ts';
export { isTapped } from './tap.ts';
