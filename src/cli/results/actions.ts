// The actions of `coda results`, on the files of a state directory, whether its node runs or not.
import { messageOf } from '../../errors.ts';
import { dropRefused, requestReplay, type SetAside } from '../../outbox/refused.ts';
import { findSetAside, type AllSetAside } from '../../outbox/set-aside.ts';
import { countDeadLetters, readWaiting } from '../../outbox/overview.ts';
import { printable } from '../../protocol/text.ts';
import { deadLettersPath, nodeFolder } from '../../state/layout.ts';
import type { HealthAddress } from '../../kernel/health-address.ts';
import { findNode } from '../local-node/find.ts';
import { askReady } from '../local-node/live.ts';
import { checkOwner } from '../local-node/owner.ts';
import type { Output } from '../terminal/output.ts';
import { chooseIds } from '../terminal/choose.ts';
import { jsonOf, listLines, resultLines, type Overview } from './report.ts';
import { dropWaiting, listWaiting, type WaitingRequest } from './waiting.ts';

export type Action = 'list' | 'show' | 'replay' | 'drop';

export interface ActionRequest {
  readonly stateDir: string;
  /** As they were typed; empty means all. */
  readonly jobs: readonly string[];
  readonly json: boolean;
  readonly out: Output;
}

type Request = ActionRequest & { readonly folder: string };

const ACTIONS: Record<Action, (request: Request, found: AllSetAside) => Promise<number>> = {
  list,
  show,
  replay,
  drop,
};

/** Runs an action and reports it; returns the exit code. Throws a ConfigError for another user's state directory. */
export async function runAction(action: Action, request: ActionRequest): Promise<number> {
  checkOwner(request.stateDir, 'results …');
  const folder = nodeFolder(request.stateDir);
  const found = await findSetAside(folder);
  for (const problem of found.problems) request.out.error(problem);
  return ACTIONS[action]({ ...request, folder }, found);
}

/** Lists or drops what waits for its delivery; returns the exit code. Throws as `runAction` does. */
export async function runWaiting(
  action: 'list' | 'drop',
  request: Omit<WaitingRequest, 'folder'>,
): Promise<number> {
  checkOwner(request.stateDir, 'results …');
  const folder = nodeFolder(request.stateDir);
  return action === 'list' ? listWaiting({ ...request, folder }) : dropWaiting({ ...request, folder });
}

async function list({ folder, json, out }: Request, found: AllSetAside): Promise<number> {
  const problems = [...found.problems];
  const unknown = (thrown: unknown): undefined => {
    problems.push(messageOf(thrown));
    out.error(messageOf(thrown));
  };
  const overview: Overview = {
    ...found,
    folder,
    undelivered: (await readWaiting(folder).catch(unknown))?.length,
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

async function show({ folder, jobs, json, out }: Request, found: AllSetAside): Promise<number> {
  const [chosen] = choose(jobs, [...found.refused, ...found.replaying], folder, out) ?? [];
  if (chosen === undefined) return 1;
  if (json) out.json(jsonOf(chosen), 2);
  else for (const line of resultLines(chosen, found.replaying.includes(chosen), out)) out.write(line);
  return 0;
}

async function replay({ stateDir, folder, jobs, json, out }: Request, found: AllSetAside): Promise<number> {
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
        : (await isEnding(pid, node?.presence?.address ?? undefined))
          ? `the node (PID ${pid}) is shutting down: it is delivered after the next \`coda start\``
          : `the running node (PID ${pid}) delivers it within seconds`,
    );
  }
  return handedOver.length === chosen.length ? 0 : 1;
}

/** Whether the node takes nothing up any more. */
async function isEnding(pid: number, address: HealthAddress | undefined): Promise<boolean> {
  const phase = address === undefined ? undefined : (await askReady({ pid }, address))?.['phase'];
  return phase === 'draining' || phase === 'closed';
}

async function drop({ folder, jobs, json, out }: Request, found: AllSetAside): Promise<number> {
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
  const chosen = chooseIds(
    jobs,
    ids,
    { thing: 'result of job', what: 'is set aside', hint: 'coda results list shows those that are' },
    out,
  );
  return chosen && results.filter(({ result }) => chosen.has(result.jobId));
}

function nameOf({ result }: SetAside): string {
  return printable(result.jobId, 200);
}
