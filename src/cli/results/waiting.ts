// `coda results --waiting`: the results that are saved and not delivered yet, and how to give some of them up. Works on the
// files of a state directory, whether its node runs or not.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../../errors.ts';
import { readDrops, requestDrop } from '../../outbox/drops.ts';
import { readWaiting, type WaitingResult } from '../../outbox/overview.ts';
import { printable } from '../../protocol/text.ts';
import { findNode } from '../local-node/find.ts';
import type { Output } from '../terminal/output.ts';
import { table } from '../terminal/table.ts';
import { countText, durationText } from '../terminal/words.ts';
import { chooseIds } from '../terminal/choose.ts';
import { safe } from './report.ts';

/** A running node looks once a second, and an attempt that is under way has to end first. */
const CONFIRM_WITHIN_MS = 10_000;
/** More rows are for programs. */
const MOST_ROWS = 100;

export interface WaitingRequest {
  readonly stateDir: string;
  readonly folder: string;
  /** As they were typed; empty means all. */
  readonly jobs: readonly string[];
  /** Only those that go there. */
  readonly origin: string | undefined;
  readonly json: boolean;
  /** Undefined if there is nobody to ask. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined;
  readonly yes: boolean;
  readonly out: Output;
}

type Listed = WaitingResult & { readonly isDropping: boolean };

/** Shows what waits; returns the exit code. */
export async function listWaiting({ folder, origin, json, out }: WaitingRequest): Promise<number> {
  const waiting = await find(folder, origin);
  if (json) {
    out.json({ waiting: waiting.map(jsonOf) }, 2);
    return 0;
  }
  if (waiting.length === 0) {
    out.write(`no result waits for its delivery in ${folder}`);
    return 0;
  }
  const byOrigin = new Map<string, number>();
  for (const one of waiting) byOrigin.set(one.origin, (byOrigin.get(one.origin) ?? 0) + 1);
  const counts = [...byOrigin].map(([to, count]) => [printable(to, 100), String(count)]);
  for (const line of table([['GOES TO', 'COUNT'], ...counts])) out.write(line);
  out.write('');
  const rows = waiting.slice(0, MOST_ROWS).map(rowOf);
  for (const line of table([['JOB', 'STATUS', 'AGE', 'ATTEMPTS', 'GOES TO', 'LAST ERROR'], ...rows]))
    out.write(line);
  const more = waiting.length - rows.length;
  if (more > 0) out.write(`and ${more} more; --json shows all`);
  return 0;
}

/** Drops what waits, after a question; returns the exit code. */
export async function dropWaiting(request: WaitingRequest): Promise<number> {
  const { stateDir, folder, origin, json, ask, yes, out } = request;
  const chosen = choose(await find(folder, origin), request);
  if (chosen === undefined) return 1;
  const what = countText(chosen.length, 'result');
  if (!yes) {
    if (ask === undefined) {
      throw new ConfigError(`${what} would be lost: the cloud does not have them`, {
        remedy: 'Add --yes to drop them all the same.',
      });
    }
    if (!(await ask(`The cloud will never get ${what}. Drop them?`))) {
      out.write('nothing is dropped');
      return 1;
    }
  }
  const path = await requestDrop(
    folder,
    chosen.map(({ jobId }) => jobId),
  );
  const { node } = await findNode(stateDir);
  const pid = node?.isOriginal === true ? undefined : node?.pid;
  const isDone = pid !== undefined && (await isGone(path));
  if (json) {
    const jobs = chosen.map(({ jobId }) => jobId);
    out.json({ dropped: jobs, done: isDone, node_pid: pid ?? null });
  } else if (isDone) out.write(`dropped ${what}; the node (PID ${pid}) has each in its log`);
  else if (pid !== undefined) {
    out.write(`the node (PID ${pid}) drops ${what} once the attempts that are under way have ended`);
  } else {
    out.write(
      `no node is running: ${what} will be dropped at the next \`coda start\`, before anything is delivered`,
    );
  }
  return 0;
}

async function find(folder: string, origin: string | undefined): Promise<Listed[]> {
  const dropping = new Set([...readDrops(folder).values()].flat());
  const waiting = await readWaiting(folder);
  return waiting
    .filter((one) => origin === undefined || one.origin === origin)
    .map((one) => ({ ...one, isDropping: dropping.has(one.jobId) }));
}

function choose(
  waiting: readonly Listed[],
  { jobs, folder, origin, out }: WaitingRequest,
): Listed[] | undefined {
  if (waiting.length === 0) {
    const where = origin === undefined ? '' : ` to ${printable(origin, 100)}`;
    out.error(`no result waits for its delivery${where} in ${folder}`);
    return undefined;
  }
  if (jobs.length === 0) return [...waiting];
  const ids = new Set(waiting.map(({ jobId }) => jobId));
  const words = {
    thing: 'result of job',
    what: 'waits for its delivery',
    hint: 'coda results --waiting shows those that do',
  };
  const chosen = chooseIds(jobs, ids, words, out);
  return chosen && waiting.filter(({ jobId }) => chosen.has(jobId));
}

async function isGone(path: string): Promise<boolean> {
  for (const giveUpAt = performance.now() + CONFIRM_WITHIN_MS; performance.now() < giveUpAt;) {
    if (!existsSync(path)) return true;
    await sleep(100);
  }
  return false;
}

function rowOf({ jobId, origin, status, endedAt, attempts, error, isDropping }: Listed): string[] {
  const age = (Date.now() - Date.parse(endedAt)) / 1000;
  return [
    printable(jobId, 64),
    isDropping ? `${status}, to be dropped` : status,
    Number.isNaN(age) ? '?' : durationText(age),
    String(attempts),
    printable(origin, 60),
    error === null ? '' : safe(error, 200),
  ];
}

function jsonOf({ jobId, origin, status, endedAt, attempts, error, isDropping }: Listed): object {
  return {
    job_id: jobId,
    callback_origin: origin,
    status,
    ended_at: endedAt,
    attempts,
    last_error: error === null ? null : safe(error, 1000),
    to_be_dropped: isDropping,
  };
}
