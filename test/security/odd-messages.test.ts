// Messages within the limit that are odd in other ways: names that mean something to JavaScript or to a file system, nests
// without end, and numbers at the edge. Each is reported, and the job behind it runs.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { bell, waitUntil } from '../../src/testing/index.ts';
import { bench, cloud } from '../cli/workbench.ts';
import { path } from './shared.ts';

const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  '../../../escaped',
  '/etc/escaped',
  '.',
  '-',
  '--all',
  '%00',
  'a\u2028b',
];
const MB = 1024 * 1024;

describe('odd messages', () => {
  it('are reported each under its own id, also if the cloud refuses them, and no file is made by their names', async (t) => {
    t.after(() => cloud.heal());
    const node = bench.spawn(['start', '--token', cloud.issueToken()], {
      CODA_EXECUTOR_FACTORY: 'simulator',
    });
    await node.says('serving QPU');
    const before = readdirSync(path('.'));
    cloud.fail('webhook', { status: 410, body: { error: 'gone' } });
    for (const jobId of NAMES) await cloud.submit({ ir: bell('cz').ir, shots: 1, jobId });
    await waitUntil('the refusals', async () => {
      const { refused } = JSON.parse((await bench.run(['results', 'list', '--json'])).output) as {
        refused: unknown[];
      };
      return refused.length === NAMES.length;
    });
    cloud.heal();
    for (const jobId of NAMES) {
      const { output } = await bench.run(['results', 'show', '--json', '--', jobId]);
      assert.equal((JSON.parse(output) as { job_id: string }).job_id, jobId);
    }
    await bench.ends(0, ['results', 'replay', '--all']);
    await waitUntil('all of them', () => NAMES.every((jobId) => cloud.results.has(jobId)));
    assert.deepEqual(readdirSync(path('.')), before);
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0);
  });

  it('that nest without end, or have numbers at the edge, fail as jobs', async () => {
    const node = bench.spawn(['start', '--token', cloud.issueToken()], {
      CODA_EXECUTOR_FACTORY: 'simulator',
    });
    await node.says('serving QPU');
    const { ir } = bell('cz');
    const circuit = JSON.stringify(ir);
    const odd = [
      '['.repeat(7 * MB) + ']'.repeat(7 * MB),
      `{"gates":${'['.repeat(5 * MB)}${']'.repeat(5 * MB)}}`,
      '{"a":'.repeat(2 * MB) + '1' + '}'.repeat(2 * MB),
      '"'.repeat(10 * MB),
      `{"version":"${'\\u0000'.repeat(2 * MB)}"}`,
      circuit.replace('"num_qubits":2', '"num_qubits":1e308'),
      circuit.replace('"num_qubits":2', '"num_qubits":-0'),
      `{"__proto__":${circuit}}`,
      `${circuit.slice(0, -1)},"version":{"__proto__":null}}`,
    ];
    for (const ir_json of odd) await cloud.submit({ ir, shots: 1, raw: { ir_json } });
    for (const shots of ['1e9', '9007199254740992', '0', '-1', '٣', '1'.repeat(MB)])
      await cloud.submit({ ir, shots: 1, raw: { shots } });
    const last = await cloud.submit({ ir, shots: 1 });
    const done = await cloud.outcome(last);
    assert.equal(done.status, 'completed');
    await waitUntil('acknowledging', async () => (await cloud.pending()) === 0);
    assert.doesNotMatch(node.output(), /RangeError|call stack|TypeError/);
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0);
  });
});

describe('a bundle', () => {
  it('with as many qubits as a number can say costs no memory, in the next start and doctor too', async (t) => {
    t.after(() => cloud.overrideBundle(undefined));
    cloud.overrideBundle((bundle) => ({ ...bundle, num_qubits: Number.MAX_SAFE_INTEGER }));
    for (const args of [['start', '--token', cloud.issueToken()], ['start']]) {
      const node = bench.spawn(args, { CODA_EXECUTOR_FACTORY: 'simulator' });
      await node.says('serving QPU');
      const job = await cloud.submit({ ir: bell('cz').ir, shots: 1 });
      assert.equal((await cloud.outcome(job)).status, 'completed');
      node.child.kill('SIGTERM');
      assert.equal(await node.ended, 0);
    }
    assert.match(
      (await bench.run(['doctor'], { CODA_EXECUTOR_FACTORY: 'simulator' })).output,
      /simulator loads/,
    );
  });
});
