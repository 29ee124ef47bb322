// How many files a process has open, and how many it may: a node without a free descriptor reaches neither Redis nor its
// own files, and answers nobody.
import { readdirSync, readFileSync } from 'node:fs';

export interface Descriptors {
  readonly used: number;
  readonly limit: number;
}

/** Undefined if the system does not say, or not to this user. */
export function descriptorsOf(pid: number): Descriptors | undefined {
  try {
    const used = readdirSync(`/proc/${pid}/fd`).length;
    const [, soft = ''] = /^Max open files\s+(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8')) ?? [];
    const limit = soft === 'unlimited' ? Infinity : Number(soft);
    return Number.isNaN(limit) || soft === '' ? undefined : { used, limit };
  } catch {
    return undefined;
  }
}

/** Whether hardly any is left: some are needed for a moment, at each file that is opened. */
export function isExhausted({ used, limit }: Descriptors): boolean {
  return used >= limit * 0.95;
}

/** For people. */
export function descriptorsText({ used, limit }: Descriptors): string {
  return `${used} of ${limit === Infinity ? 'any number of' : limit} file descriptors in use`;
}

const MOST_CONNECTIONS = 128;
const FEWEST_CONNECTIONS = 8;
/** Of the descriptors that the process may have. */
const SHARE = 1 / 8;
/** Assumed if the limit is not known; the least that systems give. */
const ASSUMED_LIMIT = 256;

/** How many connections the health server may have at a time. */
export function mostConnections(): number {
  const limit = descriptorsOf(process.pid)?.limit ?? ASSUMED_LIMIT;
  return Math.min(MOST_CONNECTIONS, Math.max(FEWEST_CONNECTIONS, Math.floor(limit * SHARE)));
}
