// The actions of `coda results`, on the files of a state directory, whether its node runs or not.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, messageOf } from '../../errors.ts';
import { dropRefused, readRefused, requestReplay, resultFiles, type SetAside } from '../../outbox/refused.ts';
import { countDeadLetters, countUndelivered } from '../../outbox/overview.ts';
import { printable } from '../../protocol/text.ts';
import { deadLettersPath, nodeFolder, refusedDirectory, replayDirectory } from '../../state/layout.ts';
import { findNode } from '../local-node/find.ts';
import type { Output } from '../terminal/output.ts';
import { jsonOf, listLines, resultLines, type Overview } from './report.ts';

export type Action = 'list' | 'show' | 'replay' | 'drop';

export interface ActionRequest {
  readonly stateDir: string;
  /** As they were typed; empty means all. */
  readonly jobs: readonly string[];
  readonly json: boolean;
  readonly out: Output;
}

type Request = ActionRequest & { readonly folder: string };

/** A shorter beginning of a job id is more likely a typing mistake. */
const SHORTEST_PREFIX = 6;

const ACTIONS: Record<Action, (request: Request, found: Found) => Promise<number>> = {
  list,
  show,
  replay,
  drop,
};

/** Runs an action and reports it; returns the exit code. Throws a ConfigError for another user's state directory. */
export async function runAction(action: Action, request: ActionRequest): Promise<number> {
  const folder = nodeFolder(request.stateDir);
  checkOwner(folder);
  const found = await find(folder);
  for (const problem of found.problems) request.out.error(problem);
  return ACTIONS[action]({ ...request, folder }, found);
}

/** As another user we could not read the node's files, or the node could not read ours. */
function checkOwner(folder: string): void {
  const owner = ownerOf(folder);
  const user = process.geteuid?.();
  if (owner === undefined || user === undefined || owner === user) return;
  throw new ConfigError(`${folder} belongs to user ${owner}, but this is user ${user}`, {
    remedy: `Run it as the node's user: sudo -u '#${owner}' coda results …`,
  });
}

function ownerOf(folder: string): number | undefined {
  try {
    return statSync(folder, { throwIfNoEntry: false })?.uid;
  } catch (cause) {
    throw new ConfigError(`${folder} cannot be read: ${messageOf(cause)}`, {
      cause,
      remedy: "Run it as the node's user, or name another directory with CODA_STATE_DIR.",
    });
  }
}

interface Found {
  /** The oldest first. */
  readonly refused: readonly SetAside[];
  /** Those that the node has not taken yet. */
  readonly replaying: readonly SetAside[];
  /** One sentence for each file that cannot be used. */
  readonly problems: readonly string[];
}

async function find(folder: string): Promise<Found> {
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
  const refused = await readAll(refusedDirectory(folder));
  return { refused, replaying: await readAll(replayDirectory(folder)), problems };
}

async function list({ folder, json, out }: Request, found: Found): Promise<number> {
  const problems = [...found.problems];
  const unknown = (thrown: unknown): undefined => {
    problems.push(messageOf(thrown));
    out.error(messageOf(thrown));
  };
  const overview: Overview = {
    ...found,
    folder,
    undelivered: await countUndelivered(folder).catch(unknown),
    deadLetters: await countDeadLetters(folder).catch(unknown),
  };
  if (json) {
    const shown = {
      refused: overview.refused.map(jsonOf),
      replaying: overview.replaying.map(jsonOf),
      undelivered: overview.undelivered ?? null,
      dead_letters: { count: overview.deadLetters ?? null, file: deadLettersPath(folder) },
    };
    out.json(shown, 2);
  } else for (const line of listLines(overview)) out.write(line);
  return problems.length > 0 ? 1 : 0;
}

async function show({ folder, jobs, json, out }: Request, found: Found): Promise<number> {
  const [chosen] = choose(jobs, [...found.refused, ...found.replaying], folder, out) ?? [];
  if (chosen === undefined) return 1;
  if (json) out.json(jsonOf(chosen), 2);
  else for (const line of resultLines(chosen, found.replaying.includes(chosen), out)) out.write(line);
  return 0;
}

async function replay({ stateDir, folder, jobs, json, out }: Request, found: Found): Promise<number> {
  const chosen = choose(jobs, [...found.refused, ...found.replaying], folder, out);
  if (chosen === undefined) return 1;
  const handedOver: SetAside[] = [];
  for (const one of chosen) {
    if (found.replaying.includes(one) || (await requestReplay(folder, one.path))) handedOver.push(one);
    else out.error(`the result of job ${nameOf(one)} is gone: it was replayed or dropped meanwhile`);
  }
  const { node } = await findNode(stateDir);
  // The Python original does not know these files.
  const pid = node?.isOriginal === true ? undefined : node?.pid;
  if (json) {
    const replayed = [...new Set(handedOver.map(({ result }) => result.jobId))];
    out.json({ replayed, node_pid: pid ?? null });
  } else if (handedOver.length > 0) {
    for (const one of handedOver) out.write(`will be delivered: ${nameOf(one)}`);
    out.write(
      pid === undefined
        ? 'no node is running: it is delivered after the next `coda start`'
        : `the running node (PID ${pid}) delivers it within seconds`,
    );
  }
  return handedOver.length === chosen.length ? 0 : 1;
}

async function drop({ folder, jobs, json, out }: Request, found: Found): Promise<number> {
  const chosen = choose(jobs, [...found.refused, ...found.replaying], folder, out);
  if (chosen === undefined) return 1;
  const dropped: SetAside[] = [];
  for (const one of chosen) {
    if (await dropRefused(one.path)) dropped.push(one);
    else out.error(`the result of job ${nameOf(one)} is gone: it was replayed or dropped meanwhile`);
  }
  if (json) out.json({ dropped: dropped.map(jsonOf) });
  else {
    for (const one of dropped) out.write(`dropped: ${nameOf(one)} (${one.result.outcome.status})`);
  }
  return dropped.length === chosen.length ? 0 : 1;
}

/** The results of these jobs, or all if none is named. If one is not found, says so and returns undefined. */
function choose(
  jobs: readonly string[],
  results: readonly SetAside[],
  folder: string,
  out: Output,
): SetAside[] | undefined {
  if (jobs.length === 0) {
    if (results.length > 0) return [...results];
    out.error(`no result is set aside in ${folder}`);
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
