// A Redis that freezes in the middle of a read: the connection is given up, and the next one brings jobs again.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { bell, startLocalCloud, startTestNode, waitUntil } from '../../src/testing/index.ts';

it('reads jobs again after a Redis that did not answer', async (t) => {
  const cloud = await startLocalCloud();
  t.after(() => cloud.close());
  const started = await startTestNode({ cloud });
  t.after(() => started.stop());
  const logged = (text: string): boolean => started.log.some((line) => line.includes(text));
  await waitUntil('reading', () => logged('reading jobs'));
  await cloud.redisServer?.kill('SIGSTOP');
  try {
    await waitUntil('giving the connection up', () => logged('does not answer the reader; connecting anew'));
  } finally {
    await cloud.redisServer?.kill('SIGCONT');
  }
  const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 4 });
  assert.equal((await cloud.outcome(jobId)).status, 'completed');
});
