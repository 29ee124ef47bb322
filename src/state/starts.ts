// How often the node of a folder was started: at any single moment, a node that its service manager restarts
// again and again looks well.
import { isRecord } from '../protocol/text.ts';
import { startsPath } from './layout.ts';
import { readHintFile, writeFileAtomic } from './private-file.ts';

export interface Starts {
  /** Since the folder was made. */
  readonly count: number;
  /** The last ones, the newest last; ISO 8601, UTC. */
  readonly recent: readonly string[];
}

const KEPT = 50;

/** Adds a start to the file. A broken file is replaced. */
export async function recordStart(folder: string): Promise<Starts> {
  const before = readStarts(folder);
  const recent = [...before.recent, new Date().toISOString()].slice(-KEPT);
  const starts = { count: before.count + 1, recent };
  await writeFileAtomic(startsPath(folder), `${JSON.stringify(starts)}\n`);
  return starts;
}

export function readStarts(folder: string): Starts {
  try {
    const stored: unknown = JSON.parse(readHintFile(startsPath(folder)) ?? '');
    if (!isRecord(stored)) return NONE;
    const { count, recent } = stored;
    const isKnown = typeof count === 'number' && Number.isSafeInteger(count) && Array.isArray(recent);
    return isKnown ? { count, recent: recent.filter((time) => typeof time === 'string') } : NONE;
  } catch {
    return NONE;
  }
}

const NONE: Starts = { count: 0, recent: [] };
