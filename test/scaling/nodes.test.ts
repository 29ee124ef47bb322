// Several nodes of one QPU on one stream: with copied credentials, each with a state directory of its own.
import assert from 'node:assert/strict';
import { copyFile, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { groupName, streamKey } from '../../src/protocol/keys.ts';
import { closeRedis, openRedis } from '../../src/net/redis.ts';
import { bell, startLocalCloud, startTestNode, waitUntil, type TestNode } from '../../src/testing/index.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { HeldExecutor } from '../support/executors.ts';

const NODES = 20;
const CONCURRENCY = 2;
const JOBS = 200;

it(`${NODES} nodes share the work: each runs as many jobs at a time as it may, and every job runs once`, async (t) => {
  const cloud = await startLocalCloud();
  const redis = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
  const folder = await temporaryFolder(t);
  const executors: HeldExecutor[] = [];
  const nodes: TestNode[] = [];
  try {
    let first: string | undefined;
    for (let i = 0; i < NODES; i += 1) {
      const stateDir = await mkdtemp(join(folder, 'node-'));
      for (const file of ['coda.config', 'coda-private-key']) {
        if (first !== undefined) await copyFile(join(first, file), join(stateDir, file));
      }
      const executor = new HeldExecutor();
      const token = first === undefined ? cloud.issueToken() : '';
      const env = { CODA_CONCURRENCY: String(CONCURRENCY) };
      nodes.push(await startTestNode({ cloud, executor, stateDir, token, env }));
      executors.push(executor);
      first ??= stateDir;
    }

    const jobIds: string[] = [];
    for (let i = 0; i < JOBS; i += 1) jobIds.push(await cloud.submit({ ir: bell('cz').ir, shots: 5 }));
    await waitUntil('every node having its hands full', () =>
      executors.every(({ started }) => started.length === CONCURRENCY),
    );
    const consumers = (await redis.call(
      'XINFO',
      'CONSUMERS',
      streamKey(cloud.qpuId),
      groupName(cloud.qpuId),
    )) as unknown[];
    assert.equal(consumers.length, NODES);

    await waitUntil('every outcome', () => {
      for (const executor of executors) for (const jobId of executor.started) executor.release(jobId);
      return jobIds.every((jobId) => cloud.results.has(jobId));
    });
    await waitUntil('every acknowledgement', async () => (await cloud.pending()) === 0);
    assert.deepEqual(executors.flatMap(({ started }) => started).toSorted(), jobIds.toSorted());
    assert.equal(cloud.deliveries.length, JOBS);
    assert.deepEqual(cloud.violations, []);
  } finally {
    for (const node of nodes) await node.stop();
    closeRedis(redis);
    await cloud.close();
  }
});
