// Bad messages in the stream: the cloud gets the reason for each bad job, and the node keeps working.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { streamKey } from '../../src/protocol/keys.ts';
import { openRedis } from '../../src/net/redis.ts';
import {
  bell,
  startLocalCloud,
  startTestNode,
  waitUntil,
  type LocalCloud,
  type TestNode,
} from '../../src/testing/index.ts';
import { BatchExecutor, CountingExecutor } from '../support/executors.ts';

const good = bell('cz').ir;
const circuit = (change: object): string => JSON.stringify({ ...good, ...change });
const gate = (change: object): string =>
  circuit({ gates: [{ gate: 'rx', qubits: [0], params: [1], ...change }] });

const BAD_CIRCUITS: Readonly<Record<string, readonly [irJson: string, says: RegExp]>> = {
  'not JSON': ['{"gates": [', /JSON/],
  'not an object': ['[]', /object/],
  'an unknown gate': [gate({ gate: 'toffoli' }), /gates\[0\].*toffoli/],
  'a gate that the target does not have': [gate({ gate: 'iswap', qubits: [0, 1], params: [] }), /iswap.*cz/],
  'too few qubits': [gate({ gate: 'cz', qubits: [0], params: [] }), /gates\[0\].*2 qubits/],
  'too many parameters': [gate({ params: [1, 2] }), /gates\[0\].*1 param/],
  'a qubit out of range': [gate({ qubits: [2] }), /gates\[0\].*2/],
  'a two-qubit gate on one qubit': [
    gate({ gate: 'cz', qubits: [1, 1], params: [] }),
    /gates\[0\].*twice|same/,
  ],
  'a number that is not finite': [
    gate({ params: [1] }).replace('"params":[1]', '"params":[1e999]'),
    /finite/,
  ],
  'a measurement out of range': [circuit({ measurements: [7] }), /measurements\[0\]/],
  'no gates': [circuit({ gates: undefined }), /gates/],
  'no qubits': [circuit({ num_qubits: 0 }), /num_qubits/],
  'a version of the future': [circuit({ version: '2.0' }), /version/],
};
const BAD_SHOTS = ['0', '-5', '1e3', '', '1.5', 'many'];

for (const mode of ['single', 'batch'] as const) {
  describe(`bad jobs, ${mode} mode`, () => {
    let cloud: LocalCloud;
    let test: TestNode;
    before(async () => {
      cloud = await startLocalCloud();
      test = await startTestNode({
        cloud,
        executor: mode === 'batch' ? new BatchExecutor() : new CountingExecutor(),
      });
    });
    after(async () => {
      await test.stop();
      await cloud.close();
    });

    it('reports what is wrong with each, and runs the good ones between them', async () => {
      const expected: (readonly [jobId: string, says: RegExp])[] = [];
      const runnable: string[] = [];
      for (const [irJson, says] of Object.values(BAD_CIRCUITS)) {
        expected.push([await cloud.submit({ ir: irJson, shots: 10 }), says]);
        runnable.push(await cloud.submit({ ir: good, shots: 10 }));
      }
      for (const shots of BAD_SHOTS) expected.push([await cloud.submit({ ir: good, shots }), /shots/]);
      expected.push([await cloud.submit({ raw: { ir_json: null } }), /ir_json|circuit/]);
      expected.push([await cloud.submit({ ir: good, raw: { shots: null } }), /shots/]);

      for (const [jobId, says] of expected) {
        const body = await cloud.outcome(jobId);
        assert.equal(body.status, 'failed', jobId);
        assert.match(body.status === 'failed' ? body.error : '', says, jobId);
        assert.deepEqual(Object.keys(body).toSorted(), ['error', 'job_id', 'status']);
        const status = await cloud.whenState(jobId, 'failed');
        assert.match(status['error'] ?? '', says);
      }
      for (const jobId of runnable) assert.equal((await cloud.outcome(jobId)).status, 'completed');
      await waitUntil('acknowledging every message', async () => (await cloud.pending()) === 0);
      assert.deepEqual(cloud.violations, []);
    });

    it('sets messages aside that have nowhere to report to, and keeps working', async () => {
      const redis = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
      const key = streamKey(cloud.qpuId);
      await redis.xadd(key, '*', 'ir_json', '{}', 'shots', '1');
      await redis.xadd(key, '*', 'job_id', 'no-callback', 'ir_json', '{}');
      await redis.xadd(
        key,
        '*',
        'job_id',
        Buffer.from([0xff, 0xfe]),
        'callback_url',
        Buffer.from([0xc3, 0x28]),
      );
      await redis.xadd(key, '*', 'some', 'thing');
      // The status of this job is not a hash: another program has used the key.
      await redis.set('qpu:job:wrong-type:status', 'text');
      redis.disconnect();
      const wrongType = await cloud.submit({ ir: good, shots: 2, jobId: 'wrong-type' });
      assert.equal((await cloud.outcome(wrongType)).status, 'completed');
      await waitUntil('acknowledging every message', async () => (await cloud.pending()) === 0);
      assert.equal((await letters()).length, 4);
      assert.deepEqual(cloud.violations, []);
    });

    it('writes no line for each of many such messages, and keeps all of them', async () => {
      const redis = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
      const linesBefore = linesOfNoJob().length;
      const lettersBefore = (await letters()).length;
      const flood = redis.pipeline();
      for (let i = 0; i < 300; i += 1) flood.xadd(streamKey(cloud.qpuId), '*', 'some', `thing ${i}`);
      await flood.exec();
      redis.disconnect();
      await waitUntil('every record', async () => (await letters()).length === lettersBefore + 300);
      await waitUntil('acknowledging every message', async () => (await cloud.pending()) === 0);
      // Five in ten seconds, which may have begun meanwhile.
      assert.ok(linesOfNoJob().length - linesBefore <= 10, test.log.join('\n'));
    });

    async function letters(): Promise<string[]> {
      const text = await readFile(join(test.stateDir, 'coda-node-spool', 'dead-letters.jsonl'), 'utf8');
      return text.trim().split('\n');
    }

    function linesOfNoJob(): string[] {
      return test.log.filter((line) => / ERROR .* it is set aside and acknowledged/.test(line));
    }
  });
}
