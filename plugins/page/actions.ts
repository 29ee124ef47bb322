// What the operator may do from the page: the same as with the commands, through the same functions.
import { setTimeout as sleep } from 'node:timers/promises';
import type { CodaNode } from '../../src/index.ts';
import {
  dropRefused,
  filesOf,
  nodeFolder,
  printable,
  refusedDirectory,
  removePause,
  replayDirectory,
  requestDrop,
  requestReplay,
  writePause,
} from '../../src/kit.ts';
import type { ActionAnswer, Actions } from './api.ts';
import { RefusedError } from './answering.ts';

type Body = Readonly<Record<string, unknown>>;

/** The node looks twice a second. */
const NOTICED_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 50;

export const ACTIONS: {
  readonly [Name in Exclude<keyof Actions, 'run'>]: (node: CodaNode, body: Body) => Promise<ActionAnswer>;
} = {
  async pause(node, { reason }) {
    if (reason !== undefined && typeof reason !== 'string') throw wrong('reason', 'a text');
    await writePause(node.settings.stateDir, reason === '' ? null : (reason ?? null));
    await noticed(node, true);
    return { text: 'Paused: no new job is taken until it is resumed. What runs may finish.' };
  },

  async resume(node) {
    await removePause(node.settings.stateDir);
    await noticed(node, false);
    return { text: 'Resumed: jobs are taken again.' };
  },

  cancel(node, body) {
    const jobId = jobIdOf(body);
    if (node.phase === 'booting') throw new RefusedError(409, 'the node is still starting');
    if (!node.jobs.cancel(jobId)) {
      throw new RefusedError(409, `job ${named(jobId)} is not here any more, or its result is on its way`);
    }
    return Promise.resolve({ text: `Cancelled job ${named(jobId)}.` });
  },

  async replay(node, body) {
    const jobId = jobIdOf(body);
    const folder = nodeFolder(node.settings.stateDir);
    const files = filesOf(refusedDirectory(folder), jobId);
    if (!(await some(files, (path) => requestReplay(folder, path)))) throw notSetAside(jobId);
    return { text: `The result of job ${named(jobId)} will be delivered once more.` };
  },

  async drop(node, body) {
    const jobId = jobIdOf(body);
    if (body['which'] === 'waiting') {
      if (!node.jobs.undelivered(Infinity).some((result) => result.jobId === jobId)) {
        throw new RefusedError(409, `no result of job ${named(jobId)} waits for its delivery`);
      }
      await requestDrop(nodeFolder(node.settings.stateDir), [jobId]);
      return { text: `The result of job ${named(jobId)} is dropped once no attempt is under way.` };
    }
    if (body['which'] !== 'refused') throw wrong('which', "'refused' or 'waiting'");
    const folder = nodeFolder(node.settings.stateDir);
    const files = [refusedDirectory, replayDirectory].flatMap((of) => filesOf(of(folder), jobId));
    if (!(await some(files, dropRefused))) throw notSetAside(jobId);
    return { text: `Dropped the result of job ${named(jobId)}.` };
  },
};

/** Whether it was done to one of the files; all are tried. */
async function some(paths: readonly string[], act: (path: string) => Promise<boolean>): Promise<boolean> {
  return (await Promise.all(paths.map(act))).includes(true);
}

function notSetAside(jobId: string): RefusedError {
  return new RefusedError(409, `no result of job ${named(jobId)} is set aside`);
}

async function noticed(node: CodaNode, isPaused: boolean): Promise<void> {
  for (const giveUpAt = performance.now() + NOTICED_WITHIN_MS; performance.now() < giveUpAt;) {
    if ('paused' in node.readiness().toJSON() === isPaused) return;
    await sleep(LOOK_EVERY_MS);
  }
  throw new RefusedError(504, 'the node has not confirmed it', 'See its state: coda status');
}

function jobIdOf({ jobId }: Body): string {
  if (typeof jobId === 'string' && jobId !== '') return jobId;
  throw wrong('jobId', 'the id of a job');
}

function named(jobId: string): string {
  return printable(jobId, 200);
}

function wrong(field: string, expected: string): RefusedError {
  return new RefusedError(400, `${field} has to be ${expected}`);
}
