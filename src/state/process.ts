// Who a process is: a process id alone may belong to another program by now.
// Its start time, which no two processes with one id share, and its command line tell.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Whether the process `pid` runs, and is the one that started at `startTime` (empty: not known). */
export function isSameProcess(pid: number, startTime: string): boolean {
  if (!exists(pid)) return false;
  const actual = startTimeOf(pid);
  return actual === undefined || startTime === '' || actual === startTime;
}

/** When a process started, as one word; undefined where the system does not tell. */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    // The second field, the command in parentheses, may contain anything.
    const stat = readIfThere(`/proc/${pid}/stat`);
    return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  }
  return ps(pid, 'lstart=')?.replace(/\s+/g, '_');
}

/** The words of a process's command line; empty where there is none, or where it cannot be read. */
export function commandLineOf(pid: number): string[] {
  if (process.platform === 'linux') {
    return (readIfThere(`/proc/${pid}/cmdline`) ?? '').split('\0').filter((word) => word !== '');
  }
  return (ps(pid, 'command=') ?? '').split(' ').filter((word) => word !== '');
}

function exists(pid: number): boolean {
  // 0 and negative numbers mean whole groups of processes.
  if (!Number.isSafeInteger(pid) || pid <= 0 || isZombie(pid)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
}

/** Ended, but its parent has not asked for its exit code yet. */
function isZombie(pid: number): boolean {
  const stat = process.platform === 'linux' ? readIfThere(`/proc/${pid}/stat`) : undefined;
  return stat !== undefined && stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
}

function ps(pid: number, field: string): string | undefined {
  if (process.platform === 'win32') return undefined;
  try {
    const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };
    const text = execFileSync('ps', ['-o', field, '-p', String(pid)], {
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
