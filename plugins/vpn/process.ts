// Who a process is, so that no other is ever signalled: its command line and the moment of its start, not just its number.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Identity {
  readonly pid: number;
  /** Differs between two processes that have had the same number. */
  readonly startedAt: string;
}

interface Seen extends Identity {
  readonly commandLine: string;
}

/** Whether a command line is that of the wanted process; its words are separated by spaces. */
export type IsWanted = (commandLine: string) => boolean;

/** The process `pid` of this user, if it lives and its command line is wanted. */
export async function identify(pid: number, isWanted: IsWanted): Promise<Identity | undefined> {
  const seen = await look(pid);
  return seen !== undefined && isWanted(seen.commandLine) ? seen : undefined;
}

/** Every wanted process of this user; Linux only, elsewhere none are found. */
export function findProcesses(isWanted: IsWanted): Identity[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => lookInProc(Number(name)) ?? [])
    .filter(({ commandLine }) => isWanted(commandLine));
}

/** Whether that very process still lives. */
export async function isAlive({ pid, startedAt }: Identity): Promise<boolean> {
  return (await look(pid))?.startedAt === startedAt;
}

/** Signals that very process; false if it is gone. */
export async function signal(identity: Identity, name: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    return process.kill(identity.pid, name);
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH') return false;
    throw thrown;
  }
}

/** Ends that very process: SIGTERM, and SIGKILL if it takes longer than `graceMs`. Resolves once it is gone. */
export async function terminate(identity: Identity, graceMs: number): Promise<void> {
  if (!(await signal(identity, 'SIGTERM'))) return;
  // A stopped process acts on nothing but SIGKILL.
  await signal(identity, 'SIGCONT');
  const giveUpAt = performance.now() + graceMs;
  for (let killed = false; await isAlive(identity); await sleep(20)) {
    if (killed || performance.now() < giveUpAt) continue;
    killed = true;
    await signal(identity, 'SIGKILL');
  }
}

function look(pid: number): Promise<Seen | undefined> {
  if (process.platform === 'linux') return Promise.resolve(lookInProc(pid));
  return process.platform === 'win32' ? Promise.resolve(lookForLife(pid)) : lookWithPs(pid);
}

/** On Windows only whether it lives can be told: so nothing is adopted there. */
function lookForLife(pid: number): Seen | undefined {
  try {
    process.kill(pid, 0);
    return { pid, startedAt: '', commandLine: '' };
  } catch {
    return undefined;
  }
}

function lookInProc(pid: number): Seen | undefined {
  try {
    // "pid (name) state …": the name may hold anything, so the fields are counted from its last bracket.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    // A zombie is gone, it only has not been waited for.
    if (state === undefined || state === 'Z' || state === 'X') return undefined;
    const user = /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    if (Number(user) !== process.getuid?.()) return undefined;
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
    return { pid, startedAt: fields[19] ?? '', commandLine };
  } catch {
    return undefined;
  }
}

async function lookWithPs(pid: number): Promise<Seen | undefined> {
  try {
    const { stdout } = await run('/bin/ps', ['-ww', '-p', String(pid), '-o', 'stat=,lstart=,command=']);
    const match = /^\s*(\S+)\s+(\w+\s+\w+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/.exec(stdout.trim());
    if (match === null || match[1]?.startsWith('Z') === true) return undefined;
    return { pid, startedAt: match[2] ?? '', commandLine: match[3] ?? '' };
  } catch {
    return undefined;
  }
}
