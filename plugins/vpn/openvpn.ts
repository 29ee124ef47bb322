// The OpenVPN process: started with a clean environment, adopted if a crashed node left it, stopped with the node.
// It is started so that it outlives a node that is killed: a tunnel need not go down because the node does.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, constants, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, VPNError, type Logger } from '../../src/index.ts';
import {
  commandLineOf,
  findOpenvpn,
  findOwnProcesses,
  identifyProcess,
  isOpenvpnWith,
  isOwnProcess,
  isProcessRunning,
  readPidFile,
  signalProcess,
  terminateProcess,
  writeFileAtomic,
  type ProcessIdentity,
} from '../../src/kit.ts';
import { cannotSpawn, notInstalled } from './failure.ts';
import { OpenvpnLog } from './openvpn-log.ts';

const STOP_GRACE_MS = 5_000;

export interface OpenvpnPaths {
  /** The checked profile. */
  readonly profile: string;
  readonly pid: string;
  readonly log: string;
}

export class Openvpn {
  readonly #paths: OpenvpnPaths;
  readonly #env: NodeJS.ProcessEnv;
  readonly #log: Logger;
  readonly #ownLog: OpenvpnLog;
  #running: ProcessIdentity | undefined;

  constructor(paths: OpenvpnPaths, env: NodeJS.ProcessEnv, log: Logger) {
    this.#paths = paths;
    this.#env = env;
    this.#log = log;
    this.#ownLog = new OpenvpnLog(paths.log, log);
  }

  get isRunning(): boolean {
    if (this.#running !== undefined && !isProcessRunning(this.#running)) this.#running = undefined;
    return this.#running !== undefined;
  }

  /**
   * Makes sure that exactly one OpenVPN of ours runs, with the profile whose text is `text`: keeps or adopts the one
   * that does, and ends all others. Returns whether it had to be started.
   */
  async ensure(text: string): Promise<boolean> {
    this.#ownLog.watch();
    const current = argumentsFor(this.#paths.profile, text).join(' ');
    const [kept] = this.#find((line) => line.endsWith(` ${current}`));
    for (const other of this.#find((line) => isOpenvpnWith(this.#paths.profile, line))) {
      if (other.pid !== kept?.pid) await this.#end(other);
    }
    if (kept === undefined) {
      this.#running = await this.#start(text);
      return true;
    }
    if (this.#running?.pid !== kept.pid) this.#log.info('adopted a running OpenVPN', { pid: kept.pid });
    this.#running = kept;
    await this.#writePid(kept.pid);
    return false;
  }

  /** Makes OpenVPN reconnect at once. */
  reconnect(): void {
    if (this.#running !== undefined && process.platform !== 'win32') signalProcess(this.#running, 'SIGUSR1');
  }

  /** Ends OpenVPN; resolves once it has ended. */
  async stop(): Promise<void> {
    this.#ownLog.end();
    if (this.#running !== undefined) await this.#end(this.#running);
    this.#running = undefined;
    await rm(this.#paths.pid, { force: true });
  }

  async #end(running: ProcessIdentity): Promise<void> {
    const how = await terminateProcess(running, { graceMs: STOP_GRACE_MS });
    if (how !== 'survived') return;
    throw new VPNError(`OpenVPN (PID ${running.pid}) cannot be killed`, {
      remedy: 'Look at it with ps; it may hang in the kernel.',
    });
  }

  /** Our processes with such a command line, the one that the PID file names first. */
  #find(isWanted: (commandLine: string) => boolean): ProcessIdentity[] {
    const noted = readPidFile(this.#paths.pid);
    const saved = noted && identifyProcess(noted.pid);
    const isOurs = saved !== undefined && isWanted(commandLineOf(saved.pid)) && isOwnProcess(saved.pid);
    const others = findOwnProcesses(isWanted).filter(({ pid }) => pid !== saved?.pid);
    return isOurs ? [saved, ...others] : others;
  }

  async #start(text: string): Promise<ProcessIdentity> {
    const program = findOpenvpn(this.#env);
    if (program === undefined) throw notInstalled();
    // OpenVPN gets a new log that is already open: it never opens one by its name, which could be another file by then.
    await rm(this.#paths.log, { force: true });
    const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND } = constants;
    const output = openSync(this.#paths.log, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0o600);
    try {
      const child = spawn(program, argumentsFor(this.#paths.profile, text), {
        cwd: dirname(this.#paths.profile),
        env: cleanEnvironment(),
        // A process group of its own: neither Ctrl-C nor the node's death reaches it.
        detached: true,
        stdio: ['ignore', output, output],
        windowsHide: true,
      });
      const failed = new Promise<unknown>((resolve) => child.once('error', resolve));
      child.unref();
      if (child.pid === undefined) throw cannotSpawn(program, await failed);
      await this.#writePid(child.pid);
      this.#log.info('OpenVPN started', { pid: child.pid });
      // If it has ended already, its log says why.
      return identifyProcess(child.pid) ?? { pid: child.pid, startTime: 'ended' };
    } finally {
      closeSync(output);
    }
  }

  async #writePid(pid: number): Promise<void> {
    try {
      if (readPidFile(this.#paths.pid)?.pid !== pid) await writeFileAtomic(this.#paths.pid, `${pid}\n`);
    } catch (thrown) {
      // On Linux the process is found without its PID file, too.
      this.#log.warn(messageOf(thrown));
    }
  }
}

/**
 * The command line. It carries the profile's fingerprint, so that a process shows which profile it was started with.
 * The last `--script-security` wins, so one in the profile would have no effect.
 */
function argumentsFor(profile: string, text: string): string[] {
  const fingerprint = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return [
    '--config',
    profile,
    '--script-security',
    scriptSecurity(),
    '--setenv',
    'coda_profile',
    fingerprint,
  ];
}

/** On Linux OpenVPN runs no other program; elsewhere it calls ifconfig, route or netsh itself, which 0 forbids. */
function scriptSecurity(): string {
  return process.platform === 'linux' ? '0' : '1';
}

/** Nothing of our environment: NOTIFY_SOCKET keeps OpenVPN from starting, OPENSSL_CONF and LD_* load code. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  if (process.platform === 'win32')
    return { SystemRoot: process.env['SystemRoot'], PATH: process.env['PATH'] };
  return { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
}
