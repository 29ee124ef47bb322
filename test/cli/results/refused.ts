// What the tests of `coda results` share: a cloud that refuses, a node whose results it refuses, and the command.
import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach } from 'node:test';
import type { SavedOutcome } from '../../../src/kit.ts';
import { setResultAside } from '../../../src/outbox/refused.ts';
import { nodeFolder } from '../../../src/state/layout.ts';
import { silentLogger } from '../../../src/log.ts';
import { bell, waitUntil, type LocalCloud } from '../../../src/testing/index.ts';
import type { Ended } from '../operator.ts';
import type { CodaProcess } from '../process.ts';
import { bench, cloud } from '../workbench.ts';

export const job = { ir: bell('cz').ir, shots: 6 };
const ENV = { CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '1' };
/** What a careless cloud may echo. */
const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.cGxhbnRlZA';

export interface ShownResult {
  readonly job_id: string;
  readonly file: string;
}

interface Listed {
  readonly refused: readonly ShownResult[];
  readonly replaying: readonly ShownResult[];
  readonly undelivered: number | null;
  readonly dead_letters: { readonly count: number; readonly file: string };
}

afterEach(() => cloud.heal());
after(() => assert.deepEqual(cloud.violations, []));

export const ownFolder = (): string => nodeFolder(bench.stateDir);
export const filesIn = (place: 'refused' | 'replay'): Promise<string[]> => readdir(join(ownFolder(), place));

export async function startNode(token?: string): Promise<CodaProcess> {
  const node = bench.spawn(token === undefined ? ['start'] : ['start', '--token', token], ENV);
  await node.says('serving QPU');
  return node;
}

export async function stop(node: CodaProcess): Promise<void> {
  node.child.kill('SIGTERM');
  assert.equal(await node.ended, 0, node.output());
}

export function results(...args: string[]): Promise<Ended> {
  return bench.run(['results', ...args], ENV);
}

export async function list(): Promise<Listed> {
  return JSON.parse((await results('list', '--json')).output) as Listed;
}

/** The bodies that were posted for a job, as they were sent. */
export const posted = (jobId: string): string[] =>
  cloud.deliveries.filter(({ body }) => body?.job_id === jobId).map(({ text }) => text);

/** Has the cloud refuse the result of a job, and waits until it is acknowledged: by then it is set aside. */
export async function refusedJob(submit: Parameters<LocalCloud['submit']>[0] = job): Promise<string> {
  cloud.fail('webhook', { status: 403, body: { error: `no entry for ${JWT}` }, times: 1 });
  const jobId = await cloud.submit(submit);
  await waitUntil('the refusal', () => posted(jobId).length === 1);
  await waitUntil('acknowledging it', async () => (await cloud.pending()) === 0);
  return jobId;
}

/** As a node does it. */
export async function setAside(jobId: string): Promise<void> {
  await mkdir(ownFolder(), { recursive: true, mode: 0o700 });
  const saved: SavedOutcome = {
    qpuId: cloud.qpuId,
    jobId,
    messageIds: ['1-0'],
    callbackUrl: cloud.url,
    outcome: { status: 'completed', counts: { '00': 6 }, executionTimeMs: 1, shotsCompleted: 6 },
    endedAt: new Date().toISOString(),
  };
  await setResultAside(ownFolder(), saved, 'answered 403', silentLogger);
  // The oldest comes first, and a millisecond is long here.
  const now = Date.now();
  await waitUntil('a later millisecond', () => Date.now() > now);
}
