// What users import, and the only door through which plugins see the node.
export { defineConfig, type CodaConfig, type PluginEntry } from './config/define.ts';
export { answerText, cloudUrl, extraHeaders, headerFault, redirectText } from './net/cloud.ts';
export type { Settings } from './config/settings.ts';
export { readPrivateFile, writeFileAtomic } from './state/private-file.ts';
export type { ModuleLoader, Namespace } from './config/modules.ts';
export { makeStateDir, writeState, type PersistedState } from './state/credentials.ts';
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
  type ExecutorChoice,
  type LoadedExecutor,
  type RunContext,
} from './device/executor.ts';
export type {
  Batch,
  Cancellation,
  ConnectRequest,
  Delivery,
  HookName,
  Hooks,
  WebhookRequest,
} from './hooks.ts';
export { TransportError, type HttpAnswer, type HttpClient, type HttpRequest } from './net/http.ts';
export type { Admission } from './kernel/admission.ts';
export type { Job, SavedOutcome } from './jobs/job.ts';
export type { Jobs } from './jobs/pipeline.ts';
export { readPause, type Pause } from './state/pause-file.ts';
export { RepeatFilter, type Logger } from './log.ts';
export { definePlugin, type CodaNode, type ExecutorFactory, type Plugin } from './plugin.ts';
export { parseBundle, type Bundle } from './protocol/bundle.ts';
export {
  GATES,
  LEGAL_GATES,
  parseIr,
  parseIrInSteps,
  validateIr,
  type Gate,
  type GateName,
  type NativeGateIR,
  type Target,
} from './protocol/ir.ts';
export { createSigner, type TokenSigner } from './protocol/jwt.ts';
export { CANCEL_KEY_PREFIX, cancelKey, jobIdOfCancelKey } from './protocol/keys.ts';
export { CLOUD_PATHS } from './protocol/paths.ts';
export { isRecord, kindOf, printable } from './protocol/text.ts';
export { webhookBody, type Outcome } from './protocol/webhook.ts';
export { ReadinessReport, type VpnState } from './kernel/readiness.ts';
export { whichExist } from './net/redis.ts';
export { serviceKey, type ServiceKey, type Services } from './kernel/services.ts';
export type { Session, VpnTerms } from './kernel/session.ts';
export { isTapped } from './kernel/tap.ts';
