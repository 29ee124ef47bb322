// Jobs for the driver of drivers.ts, and how they must end.
import assert from 'node:assert/strict';
import { afterEach } from 'node:test';
import { bell } from '../../../src/testing/index.ts';
import { cloud } from '../../cli/workbench.ts';
import { allEnded } from './drivers.ts';

// After that of the workbench, which kills them.
afterEach(allEnded);

export const submit = (shots: number): Promise<string> => cloud.submit({ ir: bell('cz').ir, shots });

export async function errorOf(jobId: string): Promise<string> {
  const body = await cloud.outcome(jobId, { timeoutMs: 60_000 });
  assert.ok(body.status === 'failed', JSON.stringify(body));
  return body.error;
}

export async function completes(jobId: string, shots: number): Promise<void> {
  const body = await cloud.outcome(jobId, { timeoutMs: 60_000 });
  assert.ok(body.status === 'completed', JSON.stringify(body));
  assert.deepEqual(body.counts, { '00': shots });
}
