// The one table of settings: names, variables, defaults, limits and help. The environment, the config file, the flags,
// `coda config` and the documentation are all made from it.
import { tmpdir } from 'node:os';
import { LOG_LEVELS, type LogLevel } from '../log/levels.ts';
import { CLOUD_PATHS } from '../protocol/paths.ts';

interface Shared<T> {
  /** The environment variable (PROTOCOL §9). */
  readonly env: string;
  readonly default: T;
  /** One line for people. */
  readonly help: string;
  /** `plugin.option`, if it is an option of a built-in plugin in the config file; else it is a key at the top. */
  readonly config?: string;
  /** The key in the persisted `coda.config` (PROTOCOL §2), if it is kept there. */
  readonly persisted?: string;
  /** Never shown in `coda config`, logs or errors. */
  readonly secret?: true;
  /** False: it cannot be in the config file, since it decides whether that file is run. */
  readonly inConfigFile?: false;
  /** The name of the flag, if it is not the name of the setting with dashes. */
  readonly flag?: string;
}

export interface StringSetting extends Shared<string> {
  readonly type: 'string';
  readonly choices?: readonly string[];
  /** The form of the value. */
  readonly format?: 'url' | 'redis-url' | 'url-path' | 'path' | 'pem' | 'users';
}
export interface OptionalStringSetting extends Shared<string | null> {
  readonly type: 'string?';
}
export interface NumberSetting extends Shared<number> {
  readonly type: 'integer' | 'number';
  readonly min: number;
  /** Only if a larger value cannot work. */
  readonly max?: number;
}
export interface BooleanSetting extends Shared<boolean> {
  readonly type: 'boolean';
}
export interface ListSetting extends Shared<readonly string[]> {
  readonly type: 'list';
  readonly format?: 'url' | 'origin';
}
export interface MapSetting extends Shared<Readonly<Record<string, string>>> {
  readonly type: 'map';
  readonly format?: 'headers' | 'levels';
}
export type Setting =
  StringSetting | OptionalStringSetting | NumberSetting | BooleanSetting | ListSetting | MapSetting;

/** In seconds: with a longer delay, Node's timers fire at once. */
const LONGEST_TIMER_SEC = 2_147_483;

export const SETTINGS = {
  nodeToken: {
    type: 'string',
    env: 'CODA_NODE_TOKEN',
    default: '',
    secret: true,
    flag: 'token',
    help: 'one-time token for the first start',
  },
  jwtPrivateKey: {
    type: 'string',
    env: 'CODA_JWT_PRIVATE_KEY',
    default: '',
    secret: true,
    format: 'pem',
    help: 'RSA private key (PEM, PKCS8) for a start without a token',
  },
  jwtKeyId: {
    type: 'string',
    env: 'CODA_JWT_KEY_ID',
    default: '',
    persisted: 'jwt_key_id',
    help: 'key id (`kid`) of the private key',
  },
  qpuId: {
    type: 'string',
    env: 'CODA_QPU_ID',
    default: '',
    persisted: 'qpu_id',
    help: 'the QPU this node serves; the bundle names it',
  },
  qpuDisplayName: {
    type: 'string',
    env: 'CODA_QPU_DISPLAY_NAME',
    default: '',
    persisted: 'qpu_display_name',
    help: 'display name of the QPU',
  },
  nativeGateSet: {
    type: 'string',
    env: 'CODA_NATIVE_GATE_SET',
    default: 'cz',
    persisted: 'native_gate_set',
    help: 'native gate set of the device',
  },
  numQubits: {
    type: 'integer',
    env: 'CODA_NUM_QUBITS',
    default: 5,
    min: 1,
    persisted: 'num_qubits',
    help: 'number of qubits of the device',
  },
  redisUrl: {
    type: 'string',
    env: 'CODA_REDIS_URL',
    default: '',
    secret: true,
    format: 'redis-url',
    persisted: 'redis_url',
    help: 'Redis that holds the job stream: redis:// or rediss://, with one server or several, or redis+sentinel://',
  },
  webappUrl: {
    type: 'string',
    env: 'CODA_WEBAPP_URL',
    default: 'https://coda.conductorquantum.com',
    format: 'url',
    persisted: 'webapp_url',
    help: 'base URL of the Coda cloud',
  },
  host: {
    type: 'string',
    env: 'CODA_HOST',
    default: '0.0.0.0',
    config: 'health.host',
    help: 'address of the health server',
  },
  port: {
    type: 'integer',
    env: 'CODA_PORT',
    default: 8080,
    min: 0,
    max: 65_535,
    config: 'health.port',
    help: 'port of the health server; 0 takes a free one',
  },
  healthOpen: {
    type: 'boolean',
    env: 'CODA_HEALTH_OPEN',
    default: false,
    config: 'health.open',
    help: 'whether other machines may see all that the health server has, not only /health and four fields of /ready',
  },
  executorFactory: {
    type: 'string',
    env: 'CODA_EXECUTOR_FACTORY',
    default: '',
    help: 'executor: `module:attribute` in JavaScript or Python, or the name of a built-in one such as `simulator`',
  },
  python: {
    type: 'string',
    env: 'CODA_PYTHON',
    default: '',
    config: 'python.interpreter',
    help: 'interpreter for executors in Python, or its virtual environment; else the active or the nearest one, or python3',
  },
  requireExecutor: {
    type: 'boolean',
    env: 'CODA_REQUIRE_EXECUTOR',
    default: false,
    help: 'refuse to start if there is no executor, or several installed ones and none is named',
  },
  deviceConfig: {
    type: 'string',
    env: 'CODA_DEVICE_CONFIG',
    default: '',
    format: 'path',
    help: 'device YAML; ./site/device.yaml is used if it exists',
  },
  heartbeatIntervalSec: {
    type: 'number',
    env: 'CODA_HEARTBEAT_INTERVAL_SEC',
    default: 30,
    min: 0.1,
    max: LONGEST_TIMER_SEC,
    config: 'heartbeat.intervalSec',
    help: 'seconds between heartbeats',
  },
  connectPath: {
    type: 'string',
    env: 'CODA_CONNECT_PATH',
    default: CLOUD_PATHS.connect,
    format: 'url-path',
    config: 'connect.path',
    persisted: 'connect_path',
    help: 'path of the connect endpoint',
  },
  heartbeatPath: {
    type: 'string',
    env: 'CODA_HEARTBEAT_PATH',
    default: CLOUD_PATHS.heartbeat,
    format: 'url-path',
    config: 'heartbeat.path',
    persisted: 'heartbeat_path',
    help: 'path of the heartbeat endpoint',
  },
  webhookPath: {
    type: 'string',
    env: 'CODA_WEBHOOK_PATH',
    default: CLOUD_PATHS.webhook,
    format: 'url-path',
    config: 'webhook.path',
    persisted: 'webhook_path',
    help: 'path of the webhook endpoint; results go to the callback_url of each job',
  },
  nodeMachineFingerprint: {
    type: 'string',
    env: 'CODA_NODE_MACHINE_FINGERPRINT',
    default: '',
    persisted: 'node_machine_fingerprint',
    help: 'identity of this machine for the cloud; created once, then kept',
  },
  vpnRequired: {
    type: 'boolean',
    env: 'CODA_VPN_REQUIRED',
    default: true,
    config: 'vpn.required',
    persisted: 'vpn_required',
    help: 'whether a VPN tunnel must be up',
  },
  vpnCheckIntervalSec: {
    type: 'integer',
    env: 'CODA_VPN_CHECK_INTERVAL_SEC',
    default: 10,
    min: 1,
    max: LONGEST_TIMER_SEC,
    config: 'vpn.checkIntervalSec',
    persisted: 'vpn_check_interval_sec',
    help: 'seconds between two VPN checks',
  },
  vpnInterfaceHint: {
    type: 'string?',
    env: 'CODA_VPN_INTERFACE_HINT',
    default: null,
    config: 'vpn.interfaceHint',
    persisted: 'vpn_interface_hint',
    help: 'name of the tunnel interface',
  },
  vpnProbeTargets: {
    type: 'list',
    env: 'CODA_VPN_PROBE_TARGETS',
    default: [],
    format: 'url',
    config: 'vpn.probeTargets',
    persisted: 'vpn_probe_targets',
    help: 'URLs that must answer through the tunnel',
  },
  nodeAutoVpn: {
    type: 'boolean',
    env: 'CODA_NODE_AUTO_VPN',
    default: true,
    config: 'vpn.auto',
    persisted: 'node_auto_vpn',
    help: 'whether the node starts OpenVPN itself',
  },
  nodeVpnProfilePath: {
    type: 'string',
    env: 'CODA_NODE_VPN_PROFILE_PATH',
    default: '',
    format: 'path',
    config: 'vpn.profilePath',
    persisted: 'node_vpn_profile_path',
    help: 'path of the OpenVPN profile; default: coda-node.ovpn in the state directory',
  },
  allowDegradedStartup: {
    type: 'boolean',
    env: 'CODA_ALLOW_DEGRADED_STARTUP',
    default: false,
    config: 'vpn.allowDegradedStartup',
    help: 'start even if the VPN check fails',
  },
  nodeConnectRetries: {
    type: 'integer',
    env: 'CODA_NODE_CONNECT_RETRIES',
    default: 3,
    min: 1,
    config: 'connect.retries',
    help: 'attempts to connect to the cloud',
  },
  nodeTimeoutSec: {
    type: 'number',
    env: 'CODA_NODE_TIMEOUT_SEC',
    default: 15,
    min: 0.1,
    max: LONGEST_TIMER_SEC,
    config: 'connect.timeoutSec',
    help: 'seconds that one attempt to connect may take in total',
  },
  nodeConnectHeaders: {
    type: 'map',
    env: 'CODA_NODE_CONNECT_HEADERS',
    default: {},
    secret: true,
    format: 'headers',
    config: 'connect.headers',
    help: 'extra headers on every request to the cloud',
  },
  shutdownDrainTimeoutSec: {
    type: 'number',
    env: 'CODA_SHUTDOWN_DRAIN_TIMEOUT_SEC',
    default: 30,
    min: 0,
    max: LONGEST_TIMER_SEC,
    help: 'seconds that a shutdown waits for the running job',
  },
  stateDir: {
    type: 'string',
    env: 'CODA_STATE_DIR',
    default: tmpdir(),
    format: 'path',
    help: 'directory of the credentials and of the undelivered results',
  },
  trustedOwners: {
    type: 'string',
    env: 'CODA_TRUSTED_OWNERS',
    default: '',
    format: 'users',
    inConfigFile: false,
    help: 'further users, by name or id, whose code is run and whose folders are used; separated by commas',
  },
  webhookTimeoutSec: {
    type: 'number',
    env: 'CODA_WEBHOOK_TIMEOUT_SEC',
    default: 30,
    min: 0.1,
    max: LONGEST_TIMER_SEC,
    config: 'webhook.timeoutSec',
    help: 'seconds that one attempt to deliver a result may take in total',
  },
  webhookMaxRetryDelaySec: {
    type: 'number',
    env: 'CODA_WEBHOOK_MAX_RETRY_DELAY_SEC',
    default: 60,
    min: 0.1,
    max: LONGEST_TIMER_SEC,
    config: 'webhook.maxRetryDelaySec',
    help: 'longest wait between two attempts to deliver a result',
  },
  webhookAllowedOrigins: {
    type: 'list',
    env: 'CODA_WEBHOOK_ALLOWED_ORIGINS',
    default: [],
    format: 'origin',
    config: 'webhook.allowedOrigins',
    help: 'origins that results may be sent to; empty: any but link-local addresses, metadata services and Redis, with a warning for foreign ones',
  },
  batchSize: {
    type: 'integer',
    env: 'CODA_BATCH_SIZE',
    default: 10,
    min: 1,
    config: 'batching.size',
    help: "most jobs handed to the executor's batchRun at once",
  },
  concurrency: {
    type: 'integer',
    env: 'CODA_CONCURRENCY',
    default: 1,
    min: 1,
    help: 'runs at the same time; 1 for real hardware',
  },
  prefetch: {
    type: 'integer',
    env: 'CODA_PREFETCH',
    default: 256,
    min: 1,
    help: 'most jobs taken from the stream ahead of the device',
  },
  prefetchMaxMb: {
    type: 'number',
    env: 'CODA_PREFETCH_MAX_MB',
    default: 64,
    min: 1,
    help: 'most megabytes of memory for circuits taken ahead',
  },
  maxMessageMb: {
    type: 'number',
    env: 'CODA_MAX_MESSAGE_MB',
    default: 16,
    min: 0.1,
    // Longer texts than about 512 MB do not exist in Node.
    max: 500,
    help: 'megabytes that a job message may take; a larger one is not read, and the job is reported as failed',
  },
  leaseSec: {
    type: 'number',
    env: 'CODA_LEASE_SEC',
    default: 60,
    min: 1,
    help: 'seconds after which the jobs of a dead node are taken over',
  },
  maxDeliveries: {
    type: 'integer',
    env: 'CODA_MAX_DELIVERIES',
    default: 3,
    min: 1,
    help: 'starts of a job without an outcome before it is reported as failed',
  },
  jobTimeoutSec: {
    type: 'number',
    env: 'CODA_JOB_TIMEOUT_SEC',
    default: 0,
    min: 0,
    max: LONGEST_TIMER_SEC,
    help: 'seconds that one run may take; 0: no limit',
  },
  cancelGraceSec: {
    type: 'number',
    env: 'CODA_CANCEL_GRACE_SEC',
    default: 30,
    min: 0.01,
    max: LONGEST_TIMER_SEC,
    help: 'seconds that a cancelled run may take to end before the executor counts as unhealthy',
  },
  outboxMaxJobs: {
    type: 'integer',
    env: 'CODA_OUTBOX_MAX_JOBS',
    default: 10_000,
    min: 1,
    help: 'number of undelivered results at which the node takes no new job',
  },
  outcomeCopy: {
    type: 'boolean',
    env: 'CODA_OUTCOME_COPY',
    default: false,
    help: 'whether each result has a second copy in Redis until it is delivered; the same for all nodes of a QPU',
  },
  hookTimeoutSec: {
    type: 'number',
    env: 'CODA_HOOK_TIMEOUT_SEC',
    default: 60,
    min: 0.01,
    max: LONGEST_TIMER_SEC,
    help: 'seconds that a plugin may take in one hook',
  },
  historyMaxMb: {
    type: 'number',
    env: 'CODA_HISTORY_MAX_MB',
    default: 64,
    min: 0,
    config: 'history.maxMb',
    help: 'megabytes on the disk for the history of jobs; the oldest are removed; 0: no history',
  },
  historyMaxDays: {
    type: 'number',
    env: 'CODA_HISTORY_MAX_DAYS',
    default: 30,
    min: 0,
    config: 'history.maxDays',
    help: 'days after which files of the history are removed; 0: for their size alone',
  },
  historyMaxGates: {
    type: 'integer',
    env: 'CODA_HISTORY_MAX_GATES',
    default: 200,
    min: 0,
    max: 100_000,
    config: 'history.maxGates',
    help: 'most gates and measurements of a circuit that the history keeps; 0: it keeps none',
  },
  historyMaxCounts: {
    type: 'integer',
    env: 'CODA_HISTORY_MAX_COUNTS',
    default: 64,
    min: 0,
    max: 100_000,
    config: 'history.maxCounts',
    help: 'most different outcomes of a result whose counts the history keeps; 0: it keeps none',
  },
  logLevel: {
    type: 'string',
    env: 'CODA_LOG_LEVEL',
    default: 'info',
    choices: LOG_LEVELS,
    help: 'least severe lines to log',
  },
  logLevels: {
    type: 'map',
    env: 'CODA_LOG_LEVELS',
    default: {},
    format: 'levels',
    help: 'levels of single plugins, by their names, in place of logLevel',
  },
  logFormat: {
    type: 'string',
    env: 'CODA_LOG_FORMAT',
    default: 'text',
    choices: ['text', 'json'],
    help: 'format of a log line',
  },
  logMaxMb: {
    type: 'number',
    env: 'CODA_LOG_MAX_MB',
    default: 10,
    min: 0.001,
    help: "size in MB at which the daemon's log file is rotated; the last three are kept",
  },
} as const satisfies Record<string, Setting>;

/** The largest value that is allowed. */
export function largestOf({ max = Number.MAX_SAFE_INTEGER }: NumberSetting): number {
  return max;
}

export type SettingName = keyof typeof SETTINGS;

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** The entry of one setting, with all its optional fields. */
export function settingOf(name: SettingName): Setting {
  return SETTINGS[name];
}

/** The name of a setting's flag, without the dashes in front: `state-dir`. */
export function flagOf(name: SettingName): string {
  return settingOf(name).flag ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

type ValueOf<S extends Setting> = S extends { type: 'string' }
  ? string
  : S extends { type: 'string?' }
    ? string | null
    : S extends { type: 'integer' | 'number' }
      ? number
      : S extends { type: 'boolean' }
        ? boolean
        : S extends { type: 'list' }
          ? readonly string[]
          : Readonly<Record<string, string>>;

/** The effective settings of one start, after all sources are merged. */
export type Settings = {
  readonly [K in Exclude<SettingName, 'logLevel' | 'logLevels'>]: ValueOf<(typeof SETTINGS)[K]>;
} & {
  readonly logLevel: LogLevel;
  readonly logLevels: Readonly<Record<string, LogLevel>>;
};

/** The settings of a node without any configuration. */
export function defaultSettings(): Settings {
  const entries = SETTING_NAMES.map((name) => [name, SETTINGS[name].default] as const);
  return Object.fromEntries(entries) as unknown as Settings;
}

/** Any setting's value. */
export type SettingValue = Settings[SettingName];

/** Where a value comes from, strongest first. */
export type SettingSource = 'flag' | 'environment' | 'config file' | 'persisted state' | 'default';
