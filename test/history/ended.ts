// Jobs as the hooks tell them, for the tests of the history, and a recorder in a folder of its own.
import { mkdirSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { Recorder, type RecorderOptions } from '../../src/history/recorder.ts';
import { NO_ANNOTATIONS } from '../../src/jobs/annotations.ts';
import type { EndedJob } from '../../src/jobs/ended-job.ts';
import type { SavedOutcome } from '../../src/jobs/job.ts';
import { silentLogger } from '../../src/log.ts';
import type { Outcome } from '../../src/protocol/webhook.ts';
import { historyDirectory, nodeFolder } from '../../src/state/layout.ts';
import { bell } from '../../src/testing/index.ts';
import { temporaryFolder } from '../support/temporary.ts';

const COMPLETED: Outcome = {
  status: 'completed',
  counts: { '00': 60, '11': 40 },
  executionTimeMs: 1.5,
  shotsCompleted: 100,
};

/** It was taken 5 ms after it was sent, and ready 1 ms later; it waited 2 ms, and ran for 10 ms. */
export function ended(jobId: string, changes: Partial<EndedJob> = {}): EndedJob {
  const { ir } = bell('cz');
  const endedAt = changes.endedAt ?? Date.now();
  const job = {
    jobId,
    messageId: '1-0',
    callbackUrl: '',
    ir,
    shots: 100,
    annotations: {},
    annotate: () => {},
  };
  return {
    jobId,
    messageId: '1-0',
    origin: 'cloud',
    circuit: { shots: 100, qubits: 2, gates: ir.gates.length, measurements: 2 },
    job,
    outcome: COMPLETED,
    annotations: NO_ANNOTATIONS,
    where: null,
    thrown: undefined,
    trace: null,
    bytes: 500,
    sentAt: Math.round(endedAt) - 18,
    takenAt: endedAt - 13,
    queuedAt: endedAt - 12,
    startedAt: endedAt - 10,
    endedAt,
    ...changes,
  };
}

export function saved(jobId: string, changes: Partial<SavedOutcome> = {}): SavedOutcome {
  const endedAt = new Date(Date.now() + 60_000).toISOString();
  return {
    ...{ qpuId: 'q', jobId, messageIds: ['1795000000000-0'], callbackUrl: '', outcome: COMPLETED, endedAt },
    ...changes,
  };
}

export interface TestHistory {
  readonly stateDir: string;
  /** Where the files are. */
  readonly folder: string;
  open(changes?: Partial<RecorderOptions>): Recorder;
}

export async function testHistory(t: TestContext): Promise<TestHistory> {
  const stateDir = await temporaryFolder(t);
  mkdirSync(nodeFolder(stateDir));
  return {
    stateDir,
    folder: historyDirectory(nodeFolder(stateDir)),
    open: (changes) => {
      const limits = { gates: 200, counts: 64 };
      const recorder = new Recorder({
        ...{ stateDir, maxMb: 64, maxDays: 30, limits, executor: () => './qpu.ts', log: silentLogger },
        ...changes,
      });
      t.after(() => recorder.close());
      return recorder;
    },
  };
}
