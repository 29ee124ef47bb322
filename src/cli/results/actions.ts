// What `coda results` does with the files of a state directory, whether its node runs or not.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, messageOf } from '../../errors.ts';
import {
  dropRefused,
  readRefused,
  refusedDirectory,
  replayDirectory,
  requestReplay,
  resultFiles,
  type SetAside,
} from '../../outbox/refused.ts';
import { deadLettersPath } from '../../outbox/dead-letters.ts';
import { countDeadLetters, countUndelivered } from '../../outbox/overview.ts';
import { nodeOf, spoolDirectory } from '../../state/lock.ts';
import { printable } from '../../protocol/text.ts';
import type { Output } from '../terminal/output.ts';
import type { Action } from './command.ts';
import { jsonOf, listLines, resultLines, type Overview } from './report.ts';

export interface ActionRequest {
  readonly stateDir: string;
  /** As they were typed; none for all. */
  readonly jobs: readonly string[];
  readonly json: boolean;
  readonly out: Output;
}

type Request = ActionRequest & { readonly spool: string };

/** Shorter beginnings of a job id are more likely a slip. */
const SHORTEST_PREFIX = 6;

const ACTIONS: Record<Action, (request: Request, found: Found) => Promise<number>> = {
  list,
  show,
  replay,
  drop,
};

/** Does it and says so; returns the exit code. Throws a ConfigError for a state directory of another user. */
export async function runAction(action: Action, request: ActionRequest): Promise<number> {
  const spool = spoolDirectory(request.stateDir);
  checkOwner(spool);
  const found = await find(spool);
  for (const problem of found.problems) request.out.error(problem);
  return ACTIONS[action]({ ...request, spool }, found);
}

/** Files of another user's node could not be read, or what is written could not be read by it. */
function checkOwner(spool: string): void {
  const owner = ownerOf(spool);
  const user = process.geteuid?.();
  if (owner === undefined || user === undefined || owner === user) return;
  throw new ConfigError(`${spool} belongs to user ${owner}, and this is user ${user}`, {
    remedy: `Run it as the node's user: sudo -u '#${owner}' coda results …`,
  });
}

function ownerOf(spool: string): number | undefined {
  try {
    return statSync(spool, { throwIfNoEntry: false })?.uid;
  } catch (cause) {
    throw new ConfigError(`${spool} cannot be read: ${messageOf(cause)}`, {
      cause,
      remedy: "Run it as the node's user, or name another directory with CODA_STATE_DIR.",
    });
  }
}

interface Found {
  /** The oldest first. */
  readonly refused: readonly SetAside[];
  /** Those that the node has yet to take. */
  readonly replaying: readonly SetAside[];
  /** Files that cannot be used, a sentence each. */
  readonly problems: readonly string[];
}

async function find(spool: string): Promise<Found> {
  const problems: string[] = [];
  const readAll = async (directory: string): Promise<SetAside[]> => {
    const found: SetAside[] = [];
    const names = await resultFiles(directory).catch((thrown: unknown): string[] => {
      problems.push(messageOf(thrown));
      return [];
    });
    for (const name of names) {
      const path = join(directory, name);
      try {
        const result = readRefused(path);
        if (result !== undefined) found.push({ path, result });
      } catch (thrown) {
        problems.push(messageOf(thrown));
      }
    }
    return found.toSorted((a, b) => (a.result.refusedAt < b.result.refusedAt ? -1 : 1));
  };
  const refused = await readAll(refusedDirectory(spool));
  return { refused, replaying: await readAll(replayDirectory(spool)), problems };
}

async function list({ spool, json, out }: Request, found: Found): Promise<number> {
  const problems = [...found.problems];
  const unknown = (thrown: unknown): undefined => {
    problems.push(messageOf(thrown));
    out.error(messageOf(thrown));
  };
  const overview: Overview = {
    ...found,
    spool,
    undelivered: await countUndelivered(spool).catch(unknown),
    deadLetters: await countDeadLetters(spool).catch(unknown),
  };
  if (json) {
    out.write(
      JSON.stringify(
        {
          refused: overview.refused.map(jsonOf),
          replaying: overview.replaying.map(jsonOf),
          undelivered: overview.undelivered ?? null,
          dead_letters: { count: overview.deadLetters ?? null, file: deadLettersPath(spool) },
        },
        null,
        2,
      ),
    );
  } else for (const line of listLines(overview)) out.write(line);
  return problems.length > 0 ? 1 : 0;
}

async function show({ spool, jobs, json, out }: Request, found: Found): Promise<number> {
  const [chosen] = choose(jobs, [...found.refused, ...found.replaying], spool, out) ?? [];
  if (chosen === undefined) return 1;
  if (json) out.write(JSON.stringify(jsonOf(chosen), null, 2));
  else for (const line of resultLines(chosen, found.replaying.includes(chosen), out)) out.write(line);
  return 0;
}

async function replay({ spool, jobs, json, out }: Request, found: Found): Promise<number> {
  const chosen = choose(jobs, [...found.refused, ...found.replaying], spool, out);
  if (chosen === undefined) return 1;
  const handedOver: SetAside[] = [];
  for (const one of chosen) {
    if (found.replaying.includes(one) || (await requestReplay(spool, one.path))) handedOver.push(one);
    else out.error(`the result of job ${nameOf(one)} is gone: somebody else replayed or dropped it`);
  }
  const pid = nodeOf(spool);
  if (json) {
    const replayed = [...new Set(handedOver.map(({ result }) => result.jobId))];
    out.write(JSON.stringify({ replayed, node_pid: pid ?? null }));
  } else if (handedOver.length > 0) {
    for (const one of handedOver) out.write(`to be delivered again: ${nameOf(one)}`);
    out.write(
      pid === undefined
        ? 'no node is running: delivered after the next `coda start`'
        : `the running node (PID ${pid}) takes it from here, within seconds`,
    );
  }
  return handedOver.length === chosen.length ? 0 : 1;
}

async function drop({ spool, jobs, json, out }: Request, found: Found): Promise<number> {
  const chosen = choose(jobs, [...found.refused, ...found.replaying], spool, out);
  if (chosen === undefined) return 1;
  const dropped: SetAside[] = [];
  for (const one of chosen) {
    if (await dropRefused(one.path)) dropped.push(one);
    else out.error(`the result of job ${nameOf(one)} is gone: somebody else replayed or dropped it`);
  }
  if (json) out.write(JSON.stringify({ dropped: dropped.map(jsonOf) }));
  else {
    for (const one of dropped) out.write(`dropped: ${nameOf(one)} (${one.result.outcome.status})`);
  }
  return dropped.length === chosen.length ? 0 : 1;
}

/** The results of these jobs, or all where none is named; undefined, after saying why, unless each is found. */
function choose(
  jobs: readonly string[],
  results: readonly SetAside[],
  spool: string,
  out: Output,
): SetAside[] | undefined {
  if (jobs.length === 0) {
    if (results.length > 0) return [...results];
    out.error(`no result is set aside in ${spool}`);
    return undefined;
  }
  const ids = new Set(results.map(({ result }) => result.jobId));
  const chosen = new Set<string>();
  let isComplete = true;
  for (const job of jobs) {
    const matches = ids.has(job) ? [job] : job.length < SHORTEST_PREFIX ? [] : beginningWith(job, ids);
    if (matches.length === 1) {
      for (const match of matches) chosen.add(match);
      continue;
    }
    isComplete = false;
    out.error(matches.length === 0 ? notFound(job) : ambiguous(job, matches));
  }
  return isComplete ? results.filter(({ result }) => chosen.has(result.jobId)) : undefined;
}

function beginningWith(prefix: string, ids: ReadonlySet<string>): string[] {
  return [...ids].filter((id) => id.startsWith(prefix));
}

function notFound(job: string): string {
  const hint = job.length < SHORTEST_PREFIX ? ` (a beginning needs ${SHORTEST_PREFIX} characters)` : '';
  return `no result of job '${printable(job, 200)}' is set aside${hint}\n  → coda results list shows those that are`;
}

function ambiguous(job: string, matches: readonly string[]): string {
  const shown = matches.slice(0, 5).map((id) => printable(id, 200));
  const more = matches.length > shown.length ? ` and ${matches.length - shown.length} more` : '';
  return `several job ids begin with '${printable(job, 200)}': ${shown.join(', ')}${more}\n  → give more of it`;
}

function nameOf({ result }: SetAside): string {
  return printable(result.jobId, 200);
}
