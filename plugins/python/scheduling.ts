// What the host needs to let the driver go before the node on a core that both want (host/coda_host/scheduling.py).
import { readFileSync } from 'node:fs';

export interface NodeProcess {
  readonly pid: number;
  /** Its scheduling policy when it was started: 0 is the default; null if that is not known. */
  readonly policy: number | null;
}

/** The 41st field of proc(5)'s `stat`. The second is the program's name in brackets, in which anything may stand. */
const FIELDS_FROM_STATE_TO_POLICY = 38;

let known: NodeProcess | undefined;

/** Looks once, before the first host changes the policy. */
export function nodeProcess(): NodeProcess {
  return (known ??= { pid: process.pid, policy: policyOf(process.pid) });
}

/** The scheduling policy of a process's main thread; null where there is no Linux, or no such process. */
export function policyOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, ...fields] = stat.slice(stat.lastIndexOf(')')).split(' ');
    const policy = fields[FIELDS_FROM_STATE_TO_POLICY];
    return policy === undefined ? null : Number(policy);
  } catch {
    return null;
  }
}
