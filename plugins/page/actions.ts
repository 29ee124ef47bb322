// What the operator may do from the page: the same as with the commands, through the same functions.
import { setTimeout as sleep } from 'node:timers/promises';
import { CodaError, type CodaNode, type Jobs, type LocalOutcome } from '../../src/index.ts';
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
  whyNoRun,
  writePause,
} from '../../src/kit.ts';
import type { ActionAnswer, Actions } from './api.ts';
import { RefusedError } from './answering.ts';
import { shownCounts } from './counts.ts';
import { circuitFor } from './device.ts';
import { orNull } from './snapshot.ts';

type Body = Readonly<Record<string, unknown>>;

/** The node looks twice a second. */
const NOTICED_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 50;
/** That of `coda run`. */
const DEFAULT_SHOTS = 1_000;
const MOST_NAME = 200;

/** What `gone` is aborted with stops a run. */
type Action = (body: Body, gone: AbortController) => Promise<ActionAnswer>;

export function actionsOf(node: CodaNode): { readonly [Name in keyof Actions]: Action } {
  /** Runs that began here, by the ids of their jobs. */
  const runs = new Map<string, AbortController>();
  const folder = nodeFolder(node.settings.stateDir);

  return {
    async pause({ reason }) {
      if (reason !== undefined && typeof reason !== 'string') throw wrong('reason', 'a text');
      await writePause(node.settings.stateDir, reason === '' ? null : (reason ?? null));
      if (!(await noticed(node, true))) {
        return { text: 'Paused: the node takes no job after its start until it is resumed.' };
      }
      return { text: 'Paused: no new job is taken until it is resumed. What runs may finish.' };
    },

    async resume() {
      await removePause(node.settings.stateDir);
      if (!(await noticed(node, false))) {
        return { text: 'Resumed: the node takes jobs once it has started.' };
      }
      return { text: 'Resumed: jobs are taken again.' };
    },

    cancel(body) {
      const jobId = jobIdOf(body);
      const jobs = jobsOf(node);
      const run = runs.get(jobId);
      run?.abort(new Error('the operator cancelled it'));
      if (run === undefined && !jobs.cancel(jobId)) {
        throw new RefusedError(409, `job ${named(jobId)} cannot be cancelled here any more`);
      }
      return Promise.resolve({ text: `Cancelled job ${named(jobId)}.` });
    },

    async replay(body) {
      const jobId = jobIdOf(body);
      const files = filesOf(refusedDirectory(folder), jobId);
      if (!(await some(files, (path) => requestReplay(folder, path)))) throw notSetAside(jobId);
      return { text: `The result of job ${named(jobId)} will be delivered once more${whenTaken(node)}.` };
    },

    async drop(body) {
      const jobId = jobIdOf(body);
      if (body['which'] === 'waiting') {
        if (
          !jobsOf(node)
            .undelivered(Infinity)
            .some((result) => result.jobId === jobId)
        ) {
          throw new RefusedError(409, `no result of job ${named(jobId)} waits for its delivery`);
        }
        await requestDrop(folder, [jobId]);
        return { text: `The result of job ${named(jobId)} is dropped once no attempt is under way.` };
      }
      if (body['which'] !== 'refused') throw wrong('which', "'refused' or 'waiting'");
      const files = [refusedDirectory, replayDirectory].flatMap((of) => filesOf(of(folder), jobId));
      if (!(await some(files, dropRefused))) throw notSetAside(jobId);
      return { text: `Dropped the result of job ${named(jobId)}.` };
    },

    async run({ circuit, shots = DEFAULT_SHOTS, name = 'the circuit' }, gone) {
      if (typeof circuit !== 'string') throw wrong('circuit', 'a text');
      if (typeof name !== 'string') throw wrong('name', 'a text');
      if (!isShots(shots)) throw wrong('shots', 'a whole number from 1 on');
      checkRuns(node);
      const shown = printable(name, MOST_NAME);
      const ir = await circuitFor(node, shown, circuit);
      let id: string | undefined;
      try {
        const { jobId, outcome } = await node.jobs.runLocal(ir, {
          shots,
          name: shown,
          signal: gone.signal,
          onStart: (started) => runs.set((id = started), gone),
        });
        return ranAnswer(shown, jobId, outcome);
      } catch (thrown) {
        if (gone.signal.aborted) {
          throw new RefusedError(409, `${shown} was stopped before it had the device`);
        }
        // A drain has begun while it waited for the device.
        if (!(thrown instanceof CodaError)) checkRuns(node);
        throw thrown;
      } finally {
        if (id !== undefined) runs.delete(id);
      }
    },
  };
}

function ranAnswer(name: string, jobId: string, outcome: LocalOutcome['outcome']): ActionAnswer {
  switch (outcome.status) {
    case 'completed': {
      const counts = shownCounts(outcome.counts);
      return { text: `${name} has run.`, jobId, outcome: 'completed', counts };
    }
    case 'failed':
      return { text: `${name} has failed.`, jobId, outcome: 'failed', error: outcome.error };
    case 'cancelled':
      return { text: `${name} was stopped.`, jobId, outcome: 'cancelled' };
  }
}

/** A node that is closed before its start has ended has none. */
function jobsOf(node: CodaNode): Jobs {
  const jobs = node.phase === 'booting' ? null : orNull(() => node.jobs);
  if (jobs !== null) return jobs;
  const text = node.phase === 'booting' ? 'the node is still starting' : 'the node has stopped';
  throw new RefusedError(409, text, 'Try again once it is ready: coda status.');
}

function checkRuns({ phase }: CodaNode): void {
  const why = whyNoRun(phase);
  if (why !== undefined) throw new RefusedError(409, why.text, why.remedy);
}

/** What a node that drains is given, the next one takes. */
function whenTaken({ phase }: CodaNode): string {
  return phase === 'draining' || phase === 'closed' ? ', after the next start' : '';
}

function isShots(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

/** Whether it was done to one of the files; all are tried. */
async function some(paths: readonly string[], act: (path: string) => Promise<boolean>): Promise<boolean> {
  return (await Promise.all(paths.map(act))).includes(true);
}

function notSetAside(jobId: string): RefusedError {
  return new RefusedError(409, `no result of job ${named(jobId)} is set aside`);
}

/** False if it takes effect with the start only: before the end of it the node does not look. */
async function noticed(node: CodaNode, isPaused: boolean): Promise<boolean> {
  if (node.phase === 'booting' || node.phase === 'closed') return false;
  for (const giveUpAt = performance.now() + NOTICED_WITHIN_MS; performance.now() < giveUpAt;) {
    if ('paused' in node.readiness().toJSON() === isPaused) return true;
    await sleep(LOOK_EVERY_MS);
  }
  throw new RefusedError(
    504,
    'the node has not confirmed it',
    'See its state: coda status. Is its plugin pause on?',
  );
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
