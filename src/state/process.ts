// Is this still that process? A process id alone may belong to another program by now; together with the time at
// which the process started it cannot. Also: PID files, and how a process is ended.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../errors.ts';
import { readHint } from './private-file.ts';
import { nameOfUser } from './users.ts';

export interface ProcessIdentity {
  readonly pid: number;
  /** One word that differs between two processes with the same id; empty if it is not known. */
  readonly startTime: string;
}

/** Whether that very process still runs, whoever owns it. */
export function isProcessRunning({ pid, startTime }: ProcessIdentity): boolean {
  if (!exists(pid)) return false;
  const actual = startTimeOf(pid);
  return actual === undefined || startTime === '' || actual === startTime;
}

/** The process that has this id now; undefined if there is none. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  return exists(pid) ? { pid, startTime: startTimeOf(pid) ?? '' } : undefined;
}

/** When a process started, as one word; undefined if the system does not say. */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform === 'linux') return statOf(pid)?.startTime;
  return ps(pid, 'lstart=')?.replace(/\s+/g, '_');
}

/** Its parent now: another one once that has ended. Undefined if the process is gone, and on other systems than Linux. */
export function parentOf(pid: number): number | undefined {
  return process.platform === 'linux' ? statOf(pid)?.parent : undefined;
}

/** A process's command line, its words separated by spaces; empty if it cannot be read. */
export function commandLineOf(pid: number): string {
  if (process.platform !== 'linux') return ps(pid, 'command=') ?? '';
  return (readIfThere(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
}

/** Whether the process belongs to the user that runs this one. Other systems than Linux are not asked. */
export function isOwnProcess(pid: number): boolean {
  return process.platform !== 'linux' || userOf(pid) === process.getuid?.();
}

/** The name of the user that runs a process, or its number; undefined if the system does not say. */
export function userNameOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return ps(pid, 'user=');
  const user = userOf(pid);
  return user === undefined ? undefined : nameOfUser(user);
}

/** The user that runs a process; undefined if the system does not say. */
export function userOf(pid: number): number | undefined {
  if (process.platform !== 'linux') {
    const id = ps(pid, 'uid=');
    return id === undefined ? undefined : Number(id);
  }
  const user = /^Uid:\t(\d+)/m.exec(readIfThere(`/proc/${pid}/status`) ?? '')?.[1];
  return user === undefined ? undefined : Number(user);
}

/** This user's processes with such a command line. Only Linux can list them; elsewhere none is found. */
export function findOwnProcesses(isWanted: (commandLine: string) => boolean): ProcessIdentity[] {
  return findProcesses(process.getuid?.(), isWanted);
}

/** The processes of a user with such a command line, on Linux. */
export function findProcesses(
  user: number | undefined,
  isWanted: (commandLine: string) => boolean,
): ProcessIdentity[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => identifyProcess(Number(name)) ?? [])
    .filter(({ pid }) => isWanted(commandLineOf(pid)) && userOf(pid) === user);
}

/**
 * What a PID file says: the id and, if there is a second line, the start time. Undefined if there is no such file. The id
 * is NaN if it is none, or that of a process of another user than the file's: anybody can write such a file.
 */
export function readPidFile(path: string): ProcessIdentity | undefined {
  const hint = readHint(path);
  if (hint === undefined) return undefined;
  const [first = '', startTime = ''] = hint.text.split('\n').map((line) => line.trim());
  const pid = /^\d{1,10}$/.test(first) ? Number(first) : NaN;
  return { pid: isOf(hint.owner, pid) ? pid : NaN, startTime };
}

/** False if the process is known to be of another user. */
export function isOf(user: number, pid: number): boolean {
  return process.platform === 'win32' || (userOf(pid) ?? user) === user;
}

/** Signals that very process; false if it has ended. Throws what the system says if this user may not. */
export function signalProcess(target: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isProcessRunning(target)) return false;
  try {
    return process.kill(target.pid, signal);
  } catch (thrown) {
    if (errorCode(thrown) === 'ESRCH') return false;
    throw thrown;
  }
}

export interface Termination {
  /** How long the process may take to end by itself. */
  readonly graceMs: number;
  /** Called again and again while it ends. */
  readonly onWait?: () => void | Promise<void>;
  /** Called before it is killed. */
  readonly onKill?: () => void;
}

const LOOK_EVERY_MS = 50;
const KILL_WAIT_MS = 5_000;

/**
 * Ends that very process: SIGTERM, and SIGKILL if it still runs after `graceMs`. Resolves once it has ended, or with
 * `survived` if even SIGKILL has not ended it within 5 s. Throws what the system says if this user may not signal it.
 */
export async function terminateProcess(
  target: ProcessIdentity,
  { graceMs, onWait, onKill }: Termination,
): Promise<'ended' | 'killed' | 'survived'> {
  if (!signalProcess(target, 'SIGTERM')) return 'ended';
  // A process that is stopped acts on nothing but SIGKILL. Windows has no SIGCONT.
  if (process.platform !== 'win32') signalProcess(target, 'SIGCONT');
  if (await endsWithin(target, graceMs, onWait)) return 'ended';
  onKill?.();
  signalProcess(target, 'SIGKILL');
  return (await endsWithin(target, KILL_WAIT_MS)) ? 'killed' : 'survived';
}

async function endsWithin(
  target: ProcessIdentity,
  ms: number,
  onWait?: Termination['onWait'],
): Promise<boolean> {
  for (const giveUpAt = performance.now() + ms; isProcessRunning(target); await sleep(LOOK_EVERY_MS)) {
    if (performance.now() >= giveUpAt) return false;
    await onWait?.();
  }
  return true;
}

function exists(pid: number): boolean {
  // 0 and negative numbers mean whole groups of processes.
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  if (process.platform === 'linux' && isZombie(statOf(pid))) return false;
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    return errorCode(thrown) === 'EPERM';
  }
}

/** It has ended, but its parent has not asked for its exit code yet. As long as it has other threads, its files are open. */
function isZombie(stat: Stat | undefined): boolean {
  return stat !== undefined && /^[ZX]$/.test(stat.state) && stat.threads <= 1;
}

interface Stat {
  readonly state: string;
  readonly parent: number;
  readonly threads: number;
  readonly startTime: string;
}

/** From `/proc/PID/stat`: "pid (name) state …". The name may hold anything, so fields count from its last bracket. */
function statOf(pid: number): Stat | undefined {
  const text = readIfThere(`/proc/${pid}/stat`);
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields === undefined) return undefined;
  const [state = '', parent] = fields;
  return { state, parent: Number(parent), threads: Number(fields[17]), startTime: fields[19] ?? '' };
}

/** A field of `ps`, for systems without /proc. */
function ps(pid: number, field: string): string | undefined {
  if (process.platform === 'win32') return undefined;
  try {
    const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };
    const text = execFileSync('ps', ['-ww', '-o', field, '-p', String(pid)], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.trim() === '' ? undefined : text.trim();
  } catch {
    return undefined;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
