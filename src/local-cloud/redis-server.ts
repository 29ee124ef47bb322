// Starts a real redis-server, for the local cloud and for tests that stop, freeze and restart it. It listens on loopback
// only, has a random password and no persistence, and ends with the process that started it.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../errors.ts';

export interface RedisServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Its working folder, kept at stop. Default: a private temporary one, removed at stop. */
  readonly dir?: string;
  /** Further command-line options, such as `['--appendonly', 'yes']`. They are visible to all users. */
  readonly args?: readonly string[];
  /** Default: `redis-server` from PATH. */
  readonly binary?: string;
}

export interface RedisServer {
  /** `redis://:<password>@127.0.0.1:<port>`; the same for the server's life. */
  readonly url: string;
  readonly port: number;
  /** Undefined while it is not running. */
  readonly pid: number | undefined;
  /** Ends the server; may be called twice. */
  stop(): Promise<void>;
  /** Sends a signal, by default SIGKILL. Waits for the end of the process unless it is SIGSTOP or SIGCONT. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** A new process on the same port; empty, unless `args` made the old one persistent. */
  restart(): Promise<void>;
}

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 3_000;
const PORT_ATTEMPTS = 10;

/** Another process has taken the port since it was found free. */
class PortTakenError extends ConfigError {}

interface Launch {
  readonly binary: string;
  readonly port: number;
  readonly dir: string;
  /** Whether to remove the folder with the server. */
  readonly ownsDir: boolean;
  readonly password: string;
  readonly args: readonly string[];
}

/** Starts a redis-server and waits until it answers. Throws a ConfigError if there is none, or it does not start. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { binary = 'redis-server', args = [] } = options;
  const password = randomBytes(24).toString('hex');
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'coda-redis-')));
  const ownsDir = options.dir === undefined;
  await mkdir(dir, { recursive: true, mode: 0o700 });

  let child: ChildProcess | undefined;
  const cleanUp = (): void => {
    child?.kill('SIGKILL');
    if (ownsDir) rmSync(dir, { recursive: true, force: true });
  };
  process.on('exit', cleanUp);

  const start = async (port: number): Promise<void> => {
    child = await launch({ binary, port, dir, ownsDir, password, args });
  };
  let port: number;
  try {
    port = await withFreePort(options.port, start);
  } catch (error) {
    process.off('exit', cleanUp);
    if (ownsDir) await rm(dir, { recursive: true, force: true });
    throw error;
  }

  return {
    url: `redis://:${password}@${HOST}:${port}`,
    port,
    get pid() {
      return child !== undefined && isRunning(child) ? child.pid : undefined;
    },
    async stop() {
      await terminate(child);
      process.off('exit', cleanUp);
      if (ownsDir) await rm(dir, { recursive: true, force: true });
    },
    async kill(signal = 'SIGKILL') {
      if (child === undefined || !isRunning(child)) return;
      const ended = signal === 'SIGSTOP' || signal === 'SIGCONT' ? undefined : once(child, 'exit');
      child.kill(signal);
      await ended;
    },
    async restart() {
      await terminate(child);
      await withFreePort(port, start);
    },
  };
}

async function withFreePort(
  fixed: number | undefined,
  start: (port: number) => Promise<void>,
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = fixed ?? (await freePort());
    try {
      await start(port);
      return port;
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === PORT_ATTEMPTS) throw error;
      // A fixed port may still be in use by a connection that is closing.
      if (fixed !== undefined) await sleep(50);
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new ConfigError('no free port on 127.0.0.1');
  return address.port;
}

async function launch(options: Launch): Promise<ChildProcess> {
  const { binary, port, dir, ownsDir, password, args } = options;
  // Detached, since Ctrl-C in a terminal reaches the whole process group, and the node must drain before Redis ends.
  const child = spawn(binary, [...args, '-'], { cwd: dir, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  child.on('error', () => {});
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString('utf8')).slice(-4000)));
  }
  const ended = once(child, 'close');
  const failed = ended.then(
    () => startError(options, output),
    (error: unknown) => spawnError(binary, error),
  );
  // The password goes through a pipe: every user of the machine can read command lines.
  child.stdin.on('error', () => {});
  child.stdin.end(configuration(port, dir, password));
  guard(child, ownsDir ? dir : '');

  const giveUp = new AbortController();
  const outcome = await Promise.race([failed, answersPing(port, password, giveUp.signal)]);
  giveUp.abort();
  if (outcome === true) return child;
  child.kill('SIGKILL');
  throw outcome === false
    ? new ConfigError(`redis-server on port ${port} did not answer in time: ${lastLine(output)}`)
    : outcome;
}

function configuration(port: number, dir: string, password: string): string {
  const quotedDir = `"${dir.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  return [
    `bind ${HOST}`,
    `port ${port}`,
    'protected-mode yes',
    `requirepass ${password}`,
    `dir ${quotedDir}`,
    'save ""',
    'appendonly no',
    'daemonize no',
    '',
  ].join('\n');
}

/** Kills the server when this process ends in any way: that closes the pipe on which `read` waits. */
function guard(child: ChildProcess, emptyDir: string): void {
  if (child.pid === undefined) return;
  const script = 'read -r _; kill -9 "$1"; [ -z "$2" ] || rmdir "$2"';
  const watchdog = spawn('/bin/sh', ['-c', script, 'sh', String(child.pid), emptyDir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.on('error', () => {});
  watchdog.unref();
  child.once('exit', () => watchdog.kill('SIGKILL'));
}

/** True once the server accepts our password and answers; false after the timeout. */
async function answersPing(port: number, password: string, signal: AbortSignal): Promise<boolean> {
  const giveUpAt = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < giveUpAt && !signal.aborted) {
    if (await ping(port, password)) return true;
    await sleep(10);
  }
  return false;
}

function ping(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port, host: HOST }, () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (answer.includes('+PONG') || answer.includes('-')) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer.includes('+PONG')));
  });
}

async function terminate(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || !isRunning(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  // A frozen server must continue before it can act on SIGTERM.
  child.kill('SIGCONT');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

function startError({ port }: Launch, output: string): ConfigError {
  if (/address already in use/i.test(output))
    return new PortTakenError(`redis-server cannot listen: port ${port} is in use`);
  return new ConfigError(`redis-server on port ${port} ended at once: ${lastLine(output)}`);
}

function spawnError(binary: string, cause: unknown): ConfigError {
  return new ConfigError(`${binary} cannot be started`, {
    remedy:
      'Install it (apt-get install redis-server, or brew install redis), or name a running Redis with --redis-url.',
    cause,
  });
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}
