// A stand-in for the node's kernel, so that a test sees one plugin alone: the hooks, the HTTP client, the services,
// the log and the release stack are the real ones; only the boot sequence is the test's own.
import { generateKeyPairSync } from 'node:crypto';
import type { TestContext } from 'node:test';
import { createModuleLoader } from '../../src/compose.ts';
import type { PersistedState } from '../../src/config/persisted.ts';
import { defaultSettings, type Settings } from '../../src/config/settings.ts';
import { createHooks } from '../../src/hooks.ts';
import { createHttpClient } from '../../src/net/http.ts';
import type { CodaNode, Executor, Jobs, Plugin } from '../../src/index.ts';
import { createSigner, ReadinessReport, type ExecutorChoice, type Session } from '../../src/kit.ts';
import { Admission } from '../../src/kernel/admission.ts';
import { createLogger } from '../../src/log.ts';
import { openRedis } from '../../src/net/redis.ts';
import { ReleaseStack } from '../../src/kernel/release.ts';
import { SlowTaps } from '../../src/kernel/slow-taps.ts';
import { Services } from '../../src/kernel/services.ts';
import { TroubleLog } from '../../src/kernel/trouble-log.ts';

/** Far more often than the node, so that tests are quick. */
const LOOK_MS = 20;

export interface StandIn extends CodaNode {
  phase: CodaNode['phase'];
  session: Session;
  jobs: Jobs;
  /** The lines of the log, from debug on. */
  readonly lines: string[];
  /** What `readiness()` starts from. */
  readonly truth: Partial<Pick<ReadinessReport, 'vpnState' | 'redisHealthy' | 'currentJob' | 'lastJobAt'>>;
  /** Lines of the log that contain `text`. */
  logged(text: string): string[];
  close(): Promise<void>;
}

export interface StandInOptions {
  readonly settings?: Partial<Settings>;
  readonly state?: PersistedState;
  readonly executorChoice?: ExecutorChoice;
  readonly executor?: Executor;
  readonly session?: Session;
  readonly jobs?: Jobs;
}

/** A node with `plugin` applied; closed when the test ends. */
export function standIn(t: TestContext, plugin: Plugin, options: StandInOptions = {}): StandIn {
  const lines: string[] = [];
  const log = createLogger({ level: 'debug', write: (line) => lines.push(line) });
  const releases = new ReleaseStack(log);
  const settings = { ...defaultSettings(), ...options.settings };
  const applying = (): string => plugin.name;
  const http = createHttpClient({ env: {} });
  releases.push('http', () => http.close());
  const truth: StandIn['truth'] = {};

  const node: StandIn = {
    hooks: createHooks({
      timeoutMs: settings.hookTimeoutSec * 1000,
      log,
      applying,
      slowTaps: new SlowTaps(),
    }),
    settings,
    env: {},
    log,
    http,
    services: new Services(applying),
    modules: createModuleLoader(),
    executorChoice: options.executorChoice,
    executors: new Map(),
    state: options.state,
    executor: options.executor ?? idleExecutor,
    executorSource: 'test executor',
    get session(): Session {
      throw new Error('no session yet');
    },
    get jobs(): Jobs {
      throw new Error('no jobs yet');
    },
    phase: 'booting',
    lines,
    truth,
    readiness() {
      const report = Object.assign(new ReadinessReport(), truth);
      node.hooks.readiness.call(report);
      return report;
    },
    redis(name, redisOptions) {
      const redis = openRedis({
        url: node.session.redisUrl,
        name,
        env: {},
        ...(redisOptions && { options: redisOptions }),
      });
      redis.on('error', () => {});
      releases.push(`redis ${name}`, () => redis.disconnect());
      return redis;
    },
    networkChanged: () => lines.push('NETWORK CHANGED'),
    onClose: (name, release) => releases.push(name, release),
    fail: (reason) => lines.push(`FAILED ${String(reason)}`),
    logged: (text) => lines.filter((line) => line.includes(text)),
    close: () => releases.releaseAll(),
  };
  if (options.session !== undefined) setValue(node, 'session', options.session);
  if (options.jobs !== undefined) setValue(node, 'jobs', options.jobs);
  plugin.apply(node);
  const troubleLog = new TroubleLog(log);
  // A test may replace it by one that throws.
  const { readiness } = node;
  const look = setInterval(() => troubleLog.look(readiness().troubles), LOOK_MS);
  releases.push('the watch for trouble', () => clearInterval(look));
  t.after(() => node.close());
  return node;
}

function setValue<K extends 'session' | 'jobs'>(node: StandIn, name: K, value: StandIn[K]): void {
  Object.defineProperty(node, name, { value });
}

const idleExecutor: Executor = {
  run: () => Promise.resolve({ counts: {}, executionTimeMs: 0, shotsCompleted: 1 }),
};

/** One RSA key for a test file, since making one takes 0.1 s. */
export const KEY_PEM = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;

export async function testSession(changes: Partial<Session> = {}): Promise<Session> {
  return {
    qpuId: 'qpu-1',
    qpuDisplayName: 'QPU One',
    nativeGateSet: 'cz',
    numQubits: 5,
    machineFingerprint: 'host-1',
    redisUrl: 'redis://127.0.0.1:1',
    webappUrl: 'http://127.0.0.1:1',
    heartbeatPath: '/api/internal/qpu/heartbeat',
    vpn: { required: false, checkIntervalSec: 10, interfaceHint: null, probeTargets: [] },
    signer: await createSigner({ qpuId: 'qpu-1', keyId: 'key-1', privateKeyPem: KEY_PEM }),
    ...changes,
  };
}

/** Jobs of which those in `held` can be cancelled; `cancelled` says which were. */
export function testJobs(held: Iterable<string> = []): Jobs & { held: Set<string>; cancelled: string[] } {
  const cancelled: string[] = [];
  const all = new Set(held);
  return {
    current: null,
    lastJobAt: null,
    admission: new Admission(),
    held: all,
    cancelled,
    hold: () => Promise.reject(new Error('no device here')),
    runLocal: () => Promise.reject(new Error('no device here')),
    figures: () => ({
      ...{ queued: 0, running: 0, undelivered: 0, backlog: null, completed: 0, failed: 0, cancelled: 0 },
      ...{ delivered: 0, refused: 0, lastRunAt: null, lastDeliveryAt: null },
    }),
    device: () => ({ since: 0, busyMs: 0, idle: null }),
    running: () => [],
    undelivered: () => [],
    waiting: () => [],
    cancellable: () => [...all],
    cancel(jobId) {
      if (!all.delete(jobId)) return false;
      cancelled.push(jobId);
      return true;
    },
  };
}
