// The OpenVPN process: found, started with nothing of our environment, adopted after a crash of the node, ended with it.
// It is started so that it outlives a node that is killed: a tunnel need not go down because the node does.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, closeSync, constants, openSync, readFileSync, truncateSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { messageOf, VPNError, writeFileAtomic, type Logger } from '../../src/index.ts';
import { cannotSpawn, INSTALL } from './failure.ts';
import { findProcesses, identify, isAlive, signal, terminate, type Identity } from './process.ts';

const STOP_GRACE_MS = 5_000;
const LONGEST_LOG = 10 * 1024 * 1024;
/** Where it lies although a service's PATH does not say so. */
const FOLDERS = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/sbin',
  '/usr/local/opt/openvpn/sbin',
  'C:\\Program Files\\OpenVPN\\bin',
];

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
  #running: Identity | undefined;

  constructor(paths: OpenvpnPaths, env: NodeJS.ProcessEnv, log: Logger) {
    this.#paths = paths;
    this.#env = env;
    this.#log = log;
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  async isRunning(): Promise<boolean> {
    if (this.#running !== undefined && !(await isAlive(this.#running))) this.#running = undefined;
    return this.#running !== undefined;
  }

  /**
   * Makes sure that exactly one OpenVPN of ours runs, with the profile whose text is `text`: keeps or adopts the one
   * that does, and ends all others. Says whether it had to be started.
   */
  async ensure(text: string): Promise<boolean> {
    const current = arguments_(this.#paths.profile, text).join(' ');
    const wanted = await this.#find((line) => line.endsWith(` ${current}`));
    const [kept] = wanted;
    for (const other of await this.#find((line) => this.#isOurs(line))) {
      if (other.pid !== kept?.pid) await terminate(other, STOP_GRACE_MS);
    }
    if (kept === undefined) {
      this.#running = await this.#start(text);
      return true;
    }
    if (this.#running?.pid !== kept.pid) this.#log.info('a running OpenVPN is taken over', { pid: kept.pid });
    this.#running = kept;
    await this.#writePid(kept.pid);
    return false;
  }

  /** Has OpenVPN connect anew, at once. */
  async nudge(): Promise<void> {
    if (this.#running !== undefined && process.platform !== 'win32') await signal(this.#running, 'SIGUSR1');
  }

  /** Ends OpenVPN; resolves once it is gone. */
  async stop(): Promise<void> {
    if (this.#running !== undefined) await terminate(this.#running, STOP_GRACE_MS);
    this.#running = undefined;
    await rm(this.#paths.pid, { force: true });
  }

  /** Keeps a log that grows through a long outage in bounds. */
  trimLog(): void {
    try {
      if (statSync(this.#paths.log).size > LONGEST_LOG) truncateSync(this.#paths.log);
    } catch {
      // There is no log: nothing to trim.
    }
  }

  async #find(isWanted: (commandLine: string) => boolean): Promise<Identity[]> {
    const saved = readPid(this.#paths.pid);
    const bySaved = saved === undefined ? undefined : await identify(saved, isWanted);
    const others = findProcesses(isWanted).filter(({ pid }) => pid !== saved);
    return bySaved === undefined ? others : [bySaved, ...others];
  }

  #isOurs(commandLine: string): boolean {
    return (
      /(?:^|\/|\\)openvpn(?:\.exe)? /.test(commandLine) &&
      commandLine.includes(` --config ${this.#paths.profile} `)
    );
  }

  async #start(text: string): Promise<Identity> {
    const binary = findOpenvpn(this.#env);
    // A fresh file that nobody has prepared, and that OpenVPN gets open: it never opens a log by its name.
    await rm(this.#paths.log, { force: true });
    const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND } = constants;
    const output = openSync(this.#paths.log, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0o600);
    try {
      const args = arguments_(this.#paths.profile, text);
      const child = spawn(binary, args, {
        cwd: dirname(this.#paths.profile),
        env: cleanEnvironment(),
        // A process group of its own: neither Ctrl-C nor the node's death reaches it.
        detached: true,
        stdio: ['ignore', output, output],
        windowsHide: true,
      });
      const failed = new Promise<unknown>((resolve) => child.once('error', resolve));
      child.unref();
      if (child.pid === undefined) throw cannotSpawn(binary, await failed);
      await this.#writePid(child.pid);
      this.#log.info('OpenVPN started', { pid: child.pid });
      // It may have ended already; then its log says why.
      return (await identify(child.pid, () => true)) ?? { pid: child.pid, startedAt: 'gone' };
    } finally {
      closeSync(output);
    }
  }

  async #writePid(pid: number): Promise<void> {
    try {
      if (readPid(this.#paths.pid) !== pid) await writeFileAtomic(this.#paths.pid, `${pid}\n`);
    } catch (thrown) {
      // A tunnel without its PID file is found all the same, where there is a /proc.
      this.#log.warn(messageOf(thrown));
    }
  }
}

/**
 * The command line. The profile's fingerprint is part of it: so a process tells which profile it was started with.
 * Later options win, so what the profile says about scripts would count for nothing.
 */
function arguments_(profile: string, text: string): string[] {
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

/** Linux needs no program beside OpenVPN; elsewhere OpenVPN itself calls ifconfig, route or netsh, which 0 forbids. */
function scriptSecurity(): string {
  return process.platform === 'linux' ? '0' : '1';
}

/** Nothing of ours: NOTIFY_SOCKET keeps OpenVPN from its work, OPENSSL_CONF and LD_* load code. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  if (process.platform === 'win32')
    return { SystemRoot: process.env['SystemRoot'], PATH: process.env['PATH'] };
  return { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
}

/** The path of the program. Throws a VPNError if there is none. */
export function findOpenvpn(env: NodeJS.ProcessEnv, folders: readonly string[] = FOLDERS): string {
  const name = process.platform === 'win32' ? 'openvpn.exe' : 'openvpn';
  const inPath = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of [...inPath, ...folders]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // Not here.
    }
  }
  throw new VPNError('the cloud requires a VPN, and there is no OpenVPN on this machine', {
    remedy: INSTALL,
  });
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim());
    // Process 1 is nobody's OpenVPN; a negative number would mean a group.
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}
