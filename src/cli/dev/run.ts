// The logic of `coda dev`: a Redis, a local cloud and a node on this machine, and sample jobs through all three.
// The caller's `startNode` makes the node.
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shellQuoted } from '../../state/private-file.ts';
import { messageOf } from '../../errors.ts';
import { createLogger } from '../../log.ts';
import { maskUrlPasswords } from '../../log/redaction.ts';
import type { Target } from '../../protocol/ir.ts';
import { ReleaseStack } from '../../kernel/release.ts';
import { bell, startLocalCloud, within, type LocalCloud, type Verdict } from '../../testing/index.ts';
import { paint, type Output } from '../terminal/output.ts';
import { managerOf } from './manager.ts';
import { announce, runningSession, withdraw, type Rendezvous } from './rendezvous.ts';
import { reportLines } from './report.ts';
import { sampleJobs } from './samples.ts';

/** What the node connects to. */
export interface DevTerms {
  readonly url: string;
  /** One-time token of the local cloud. */
  readonly token: string;
  /** Private and temporary. */
  readonly stateDir: string;
}

export interface DevNode {
  /** Drains and closes the node. */
  close(): Promise<void>;
  /** Which executor it runs, for people. */
  readonly description: string;
  /** False if the device may be noisy or is none at all: with `once`, jobs then only have to complete. */
  readonly isExact: boolean;
  /** Link to its page, if it has one. */
  readonly page?: string;
  /** Settles if the node stops by itself, which ends the session. */
  readonly ended?: Promise<unknown>;
}

export interface DevOptions {
  /** Ends the session when the samples are done, instead of at `signal`. */
  readonly once: boolean;
  /** Starts no node, and says how to start one by hand. */
  readonly cloudOnly?: boolean;
  /** Default: starts a redis-server. */
  readonly redisUrl?: string;
  /** Port of the local cloud. Default: a free one. */
  readonly port?: number;
  /** Shots of each sample. Default 1000. */
  readonly shots?: number;
  /** The native gates of the samples. Default `cz`. */
  readonly target?: Target;
  /** How many the cloud says that the device has. Default 12. */
  readonly qubits?: number;
  /** How long `once` waits for all samples together. Default 120,000. */
  readonly timeoutMs?: number;
  readonly out: Output;
  readonly startNode: (terms: DevTerms) => Promise<DevNode>;
  /** Aborted: ends the session. */
  readonly signal: AbortSignal;
  /** Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

const DEFAULT_SHOTS = 1000;
const DEFAULT_QUBITS = 12;
const DEFAULT_TIMEOUT_MS = 120_000;
const CLEAN_UP_TIMEOUT_MS = 2_000;

/**
 * Runs a dev session and returns its exit code. With `once`: 0 only if every sample completed, with the right counts if
 * the device is exact, and the node kept to the contract. Otherwise: 0 at `signal`, 1 if the node stopped by itself.
 * Everything that was started is stopped again, also after an error, which is thrown.
 */
export async function runDev(options: DevOptions): Promise<number> {
  const { out } = options;
  const release = new ReleaseStack(createLogger({ level: 'error', write: (line) => out.error(line) }));
  try {
    return await session(options, release);
  } finally {
    await release.releaseAll();
  }
}

async function session(options: DevOptions, release: ReleaseStack): Promise<number> {
  const { once, out, signal, target = 'cz', shots = DEFAULT_SHOTS, env = process.env } = options;
  const qubits = options.qubits ?? DEFAULT_QUBITS;
  const folder = await mkdtemp(join(tmpdir(), 'coda-dev-'));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  // It holds a private key, so even a second Ctrl-C must not leave it behind.
  process.on('exit', removeFolder);
  release.push('the temporary folder', () => {
    removeFolder();
    process.off('exit', removeFolder);
  });
  const stateDir = join(folder, 'state');
  await mkdir(stateDir, { mode: 0o700 });

  // Aborted once the node has drained: no other job will end.
  const over = new AbortController();
  const cloud = await startLocalCloud({
    ...(options.redisUrl === undefined ? {} : { redisUrl: options.redisUrl }),
    ...(options.port === undefined ? {} : { port: options.port }),
    nativeGateSet: target,
    numQubits: qubits,
    onViolation: (text) => out.error(`${paint(out, 'red', 'contract violation:')} ${text}`),
    onSubmit: ({ jobId, shots: wanted }) => {
      out.write(`submitted ${jobId}, ${wanted} shots`);
      void watch(cloud, { jobId }, over.signal, out);
    },
  });
  release.push('the local cloud', () => cloud.close());
  if (cloud.redisServer === undefined) release.push('the keys in Redis', () => cleanUp(cloud));
  release.push('the wait for jobs', () => over.abort());
  out.write(`redis  ${maskUrlPasswords(cloud.redisUrl)}`);
  out.write(`cloud  ${cloud.url}`);
  if (signal.aborted) return once ? 1 : 0;
  if (options.cloudOnly === true) {
    await announceSession(cloud, stateDir, env, out, release);
    await explainCloud(cloud, { folder, stateDir, target, env, out });
    await aborted(signal);
    return 0;
  }

  const node = await options.startNode({ url: cloud.url, token: cloud.issueToken(), stateDir });
  let isLeaving = false;
  release.push('the node', () => {
    isLeaving = true;
    return node.close();
  });
  out.write(`node   ${node.description}`);
  if (node.page !== undefined) out.write(`page   ${node.page}`);
  const nodeEnded = whenEnded(node, out, () => isLeaving);

  const samples = sampleJobs(target, qubits);
  const deadline = once ? AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS) : over.signal;
  const stop = once ? AbortSignal.any([over.signal, signal, deadline, nodeEnded]) : over.signal;
  const watched: Promise<boolean>[] = [];
  for (const { jobId, circuit } of samples) {
    await cloud.submit({ jobId, ir: circuit.ir, shots });
    out.write(`submitted ${jobId}, ${shots} shots`);
    const judge = (counts: Readonly<Record<string, number>>): Verdict => circuit.expected(counts, shots);
    watched.push(watch(cloud, { jobId, title: circuit.title, judge, isExact: node.isExact }, stop, out));
  }
  if (once) {
    const good = await Promise.all(watched);
    if (deadline.aborted) out.error('the samples were not done in time');
    return summary(cloud, good, node, out);
  }

  await announceSession(cloud, stateDir, env, out, release);
  await explain({ folder, stateDir, target, env, out }, node.page);
  await aborted(AbortSignal.any([signal, nodeEnded]));
  if (!nodeEnded.aborted) out.write('closing: the running job finishes and is delivered first');
  return nodeEnded.aborted ? 1 : 0;
}

interface WatchedJob {
  readonly jobId: string;
  readonly title?: string;
  readonly judge?: (counts: Readonly<Record<string, number>>) => Verdict;
  /** Whether the counts have to be right. */
  readonly isExact?: boolean;
}

/** Reports the end of a job; returns whether it ended as it should. */
async function watch(
  cloud: LocalCloud,
  { jobId, title, judge, isExact = false }: WatchedJob,
  signal: AbortSignal,
  out: Output,
): Promise<boolean> {
  const end = await cloud.ended(jobId, signal);
  if (end === undefined) return false;
  const verdict = end.status === 'completed' ? judge?.(end.counts) : undefined;
  out.write('');
  for (const line of reportLines({ end, title, verdict, isExact }, out)) out.write(line);
  return end.status === 'completed' && (!isExact || verdict?.ok === true);
}

function summary(cloud: LocalCloud, good: readonly boolean[], { isExact }: DevNode, out: Output): number {
  const right = good.filter(Boolean).length;
  const what = isExact ? 'completed with the right physics' : 'completed';
  const isFine = right === good.length && cloud.violations.length === 0;
  out.write('');
  out.write(paint(out, isFine ? 'green' : 'red', `${right} of ${good.length} sample jobs ${what}`));
  return isFine ? 0 : 1;
}

async function announceSession(
  cloud: LocalCloud,
  stateDir: string,
  env: NodeJS.ProcessEnv,
  out: Output,
  release: ReleaseStack,
): Promise<void> {
  const rendezvous: Rendezvous = { url: cloud.url, token: cloud.adminToken, pid: process.pid, stateDir };
  const other = runningSession(env);
  await announce(rendezvous, env);
  release.push('the announcement of the session', () => withdraw(rendezvous, env));
  if (other !== undefined) {
    out.write(`coda submit now talks to this session, not to that of process ${other.pid}`);
  }
}

interface Explained {
  readonly folder: string;
  readonly stateDir: string;
  readonly target: Target;
  readonly env: NodeJS.ProcessEnv;
  readonly out: Output;
}

async function explain(explained: Explained, page: string | undefined): Promise<void> {
  const { stateDir, env, out } = explained;
  const submit = await submitCommand(explained);
  out.write('');
  out.write(`Ready for your own circuits; ${fromWhere(env)}:`);
  out.write(submit);
  out.write('And to look at its node, as at any other (status, jobs, stats, pause, …):');
  out.write(`  CODA_STATE_DIR=${shellQuoted(stateDir)} ${managerOf(env) ?? ''}coda top`);
  if (page?.includes('#token=') === true) out.write('Or drop a file with a circuit on the page.');
  out.write('Ctrl-C ends everything.');
}

/** The state directory is not that of the configuration: there, a token would replace the credentials of a node in use. */
async function explainCloud(cloud: LocalCloud, explained: Explained): Promise<void> {
  const { stateDir, env, out } = explained;
  const submit = await submitCommand(explained);
  const manager = managerOf(env) ?? '';
  out.write('');
  out.write(`No node is started. Start yours ${fromWhere(env)}:`);
  out.write(`  export CODA_WEBAPP_URL=${cloud.url} CODA_STATE_DIR=${shellQuoted(stateDir)}`);
  out.write(`  ${manager}coda start --daemon --token ${cloud.issueToken()}`);
  out.write(
    'Then send it a circuit, and try the other commands: status, top, pause, stop, and start without a token.',
  );
  out.write(submit);
  out.write('Stop the node before Ctrl-C ends this, and removes its state.');
}

function fromWhere(env: NodeJS.ProcessEnv): string {
  return managerOf(env) === undefined ? 'from another terminal' : 'from another terminal, in this folder';
}

/** A command that can be pasted, with a circuit that is there. */
async function submitCommand({ folder, target, env }: Explained): Promise<string> {
  const file = join(folder, 'bell.json');
  await writeFile(file, `${JSON.stringify(bell(target).ir, null, 2)}\n`, { mode: 0o600 });
  return `  ${managerOf(env) ?? ''}coda submit ${shellQuoted(file)} --shots 500 --wait`;
}

/** Aborted, with a message to the user, when the node stops by itself. */
function whenEnded(node: DevNode, out: Output, isExpected: () => boolean): AbortSignal {
  const ended = new AbortController();
  const report = (reason: string): void => {
    if (isExpected()) return;
    out.error(`the node has stopped by itself${reason}`);
    ended.abort();
  };
  node.ended?.then(
    () => report(''),
    (error: unknown) => report(`: ${messageOf(error)}`),
  );
  return ended.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
}

/** Leaves a Redis that is not ours as it was, if it still answers. */
async function cleanUp(cloud: LocalCloud): Promise<void> {
  await within('the removal of the session from Redis', cloud.removeKeys(), CLEAN_UP_TIMEOUT_MS);
}
