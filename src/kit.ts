// `coda-node/kit`: what the built-in plugins use beyond `coda-node`. For plugins that replace a built-in one.
// Less stable than `coda-node`: a name here may change with a minor version.
/// <reference types="node" preserve="true" />
export { baseDirsOf, type ModuleLoader, type Namespace } from './config/modules.ts';
export type { BuiltinName } from './config/plugins/known.ts';
export { SETTING_NAMES, settingOf } from './config/settings.ts';
export { readDevice, type DeviceFile } from './config/device-file.ts';
export { MORE_FILES_REMEDY, type Trouble } from './errors.ts';
export { writeState, type PersistedState } from './config/persisted.ts';
export { checkEdges } from './device/check-edges.ts';
export {
  connectivityOf,
  isEdge,
  type ExecutorChoice,
  type ExecutorOptions,
  type ExecutorRecipe,
  type LoadedExecutor,
  type OwnStart,
} from './device/executor.ts';
export {
  EXECUTOR_SEARCH,
  type ExecutorCandidate,
  type ExecutorSearch,
  type SearchesExecutors,
} from './device/executor-search.ts';
export {
  isPythonChoice,
  PYTHON_EXECUTORS,
  type InstalledPython,
  type PythonExecutors,
  type PythonReference,
} from './device/python.ts';
export type { Batch } from './hooks.ts';
export { circuitSvg } from './drawing/on-demand.ts';
export { NO_ANNOTATIONS } from './jobs/annotations.ts';
export type { SavedOutcome } from './jobs/job.ts';
export {
  HISTORY,
  type History,
  type HistoryEntry,
  type HistoryQuery,
  type JobPage,
} from './history/history.ts';
export { Recorder as HistoryRecorder, type RecorderOptions } from './history/recorder.ts';
export {
  OUTCOMES,
  type DeliveryAttempt,
  type IdleTime,
  type JobRecord,
  type LongestGap,
  type Period,
  type RecordedCircuit,
  type RecordedDelivery,
  type RecordedOutcome,
  type Spread,
} from './history/record.ts';
export type { Admission } from './kernel/admission.ts';
export { DOOR, LOCAL_RUN_PATH, whyNoRun, type Door, type LocalRunStep, type Refusal } from './kernel/door.ts';
export { deepFrozen } from './kernel/frozen.ts';
export { healthAddress, type HealthAddress } from './kernel/health-address.ts';
export { ReadinessReport, type VpnState } from './kernel/readiness.ts';
export type { Services } from './kernel/services.ts';
export type { Session, VpnTerms } from './kernel/session.ts';
export { isTapped } from './kernel/tap.ts';
export { RepeatFilter } from './log.ts';
export { CLOCK_REMEDY, clockFault } from './net/clock.ts';
export { cloudRemedy } from './net/cloud-trouble.ts';
export { cloudUrl, extraHeaders, headerFault, verdictOf, type Verdict } from './net/cloud.ts';
export { TransportError, type HttpAnswer, type HttpClient, type HttpRequest } from './net/http.ts';
export { ForbiddenTargetError } from './net/targets.ts';
export { redisTrouble } from './net/redis-trouble.ts';
export { isConnectionFault, onOtherShards, whichExist } from './net/redis.ts';
export { firstHostUrl, readRedisUrl } from './protocol/urls.ts';
export { withDeadline } from './net/timing.ts';
export { withoutCredentials } from './net/without-credentials.ts';
export { findTunnel } from './net/tunnels.ts';
export type { Delivery } from './outbox/delivery.ts';
export { readDrops, requestDrop } from './outbox/drops.ts';
export { originOf } from './outbox/origins.ts';
export { countDeadLetters } from './outbox/overview.ts';
export { dropRefused, filesOf, requestReplay, type SetAside } from './outbox/refused.ts';
export { findSetAside, type AllSetAside } from './outbox/set-aside.ts';
export { parseBundle, type Bundle } from './protocol/bundle.ts';
export { parseIrInSteps } from './protocol/ir.ts';
export { createSigner, type TokenSigner } from './protocol/jwt.ts';
export { CANCEL_KEY_PREFIX, cancelKey, jobIdOfCancelKey } from './protocol/keys.ts';
export { CLOUD_PATHS } from './protocol/paths.ts';
export { isRecord, kindOf, printable } from './protocol/text.ts';
export { asLines } from './printable.ts';
export { webhookBody } from './protocol/webhook.ts';
export { circuitText, parseCircuit } from './qasm/read-circuit.ts';
export { mostConnections } from './state/descriptors.ts';
export {
  nodeFolder,
  refusedDirectory,
  replayDirectory,
  vpnLogPath,
  vpnPidPath,
  vpnProfilePath,
} from './state/layout.ts';
export { freshDoorToken, removeDoorToken, writeDoorToken } from './state/door-token.ts';
export { makeStateDir } from './state/node-folder.ts';
export { findOpenvpn, isOpenvpnWith, isProgram } from './state/openvpn.ts';
export { traceContextOf, type TraceContext } from './protocol/trace-context.ts';
export { version } from './version.ts';
export { UntrustedError } from './state/trust.ts';
export { readPause, removePause, writePause, type Pause } from './state/pause-file.ts';
export { readPrivateFile, writeFileAtomic } from './state/private-file.ts';
export {
  commandLineOf,
  findOwnProcesses,
  identifyProcess,
  isOwnProcess,
  isProcessRunning,
  readPidFile,
  signalProcess,
  terminateProcess,
  type ProcessIdentity,
} from './state/process.ts';
