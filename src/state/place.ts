// Where a process runs. A process id means something only in one PID namespace (a container has its own) of one start of
// one machine; elsewhere it may be another program's.
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface Place {
  /** Each word is `-` if it is not known, and has no space. */
  readonly pidNamespace: string;
  /** The same for everything that runs since this machine was started, and for nothing else. */
  readonly boot: string;
  /** Only for people: two containers may have the same one. */
  readonly host: string;
}

export function thisPlace(): Place {
  const host = word(() => hostname());
  if (process.platform !== 'linux') return { pidNamespace: '-', boot: host, host };
  return {
    pidNamespace: word(() => readlinkSync('/proc/self/ns/pid')),
    boot: word(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    host,
  };
}

export function isSameMachine(one: Place, other: Place): boolean {
  return one.boot === other.boot;
}

/** Whether process ids of `one` can be looked up in `other`. */
export function isSamePlace(one: Place, other: Place): boolean {
  return isSameMachine(one, other) && one.pidNamespace === other.pidNamespace;
}

function word(read: () => string): string {
  try {
    return read().trim().replace(/\s+/g, '_') || '-';
  } catch {
    return '-';
  }
}
