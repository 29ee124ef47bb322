// CPU time and memory of a process, from /proc. Only Linux has it; elsewhere the rows say that they were not measured.
import { existsSync, readFileSync } from 'node:fs';

/** /proc counts in ticks; they are 10 ms on every Linux that Node runs on. */
const TICK_MS = 10;

export const hasProc = existsSync('/proc/self/stat');

/** User and system time of all threads, in milliseconds. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name, in parentheses, may contain blanks. Field 3 follows it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory in MiB: now, and the most so far. */
export function memoryMb(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const mb = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? NaN) / 1024;
  return { now: mb('VmRSS'), peak: mb('VmHWM') };
}
