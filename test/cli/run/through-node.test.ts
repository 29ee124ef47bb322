// `coda run` while a node runs: the circuit goes through that node, on its one executor, between two of its jobs.
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';

const job = { ir: bell('cz').ir, shots: 6 };

/** Notes each executor that is made, and each run; a run of 7 shots ends when it is stopped, another one with the file `go`. */
const EXECUTOR = `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const note = (line) => appendFileSync(new URL('./notes', import.meta.url), line + '\\n');

export default {
  executor: () => {
    note('made');
    return {
      async run(ir, shots, { signal }) {
        note('run ' + shots);
        while (!signal.aborted && (shots === 7 || !existsSync(new URL('./go', import.meta.url)))) await sleep(5);
        if (signal.aborted) note('stopped ' + shots);
        return { counts: { '00': shots }, executionTimeMs: 1, shotsCompleted: shots };
      },
    };
  },
};
`;

describe('coda run beside a node', () => {
  const notes = (): string[] => readFileSync(join(bench.folder, 'notes'), 'utf8').trim().split('\n');
  const start = async (env: Record<string, string> = {}): Promise<void> => {
    writeFileSync(join(bench.folder, 'coda.config.mjs'), EXECUTOR);
    writeFileSync(join(bench.folder, 'bell.json'), JSON.stringify(job.ir));
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken(), ...env });
  };

  it('runs between two jobs on the one executor that there is', async () => {
    await start();
    const first = await cloud.submit(job);
    await waitUntil('the first run', () => notes().includes('run 6'));
    const second = await cloud.submit({ ...job, shots: 8 });
    const local = bench.spawn(['run', 'bell.json', '--shots', '9']);
    await waitUntil('its turn', () => local.output().includes(`waiting for job ${first}`));
    assert.match(local.output(), /bell\.json runs on the node \(PID \d+\), between its jobs/);
    assert.match(await bench.ends(0, ['status']), /the operator runs bell\.json on the device/);
    bench.endRuns();
    assert.equal(await local.ended, 0);
    assert.match(local.output(), /: 9 shots, 1\.0 ms/);
    assert.match(local.output(), /00 .*9/);
    for (const id of [first, second]) assert.equal((await cloud.outcome(id)).status, 'completed');
    assert.deepEqual(notes(), ['made', 'run 6', 'run 9', 'run 8']);
    const printed = await bench.ends(0, ['run', 'bell.json', '--shots', '9', '--json']);
    const body = JSON.parse(printed.slice(printed.indexOf('{'))) as Record<string, unknown>;
    assert.deepEqual(
      { ...body, executor: '' },
      {
        executor: '',
        job_id: 'dry-run',
        status: 'completed',
        counts: { '00': 9 },
        execution_time_ms: 1,
        shots_completed: 9,
      },
    );
    assert.equal(cloud.results.size, 2);
    // Also while it is paused: that is when an operator tries things.
    await bench.ends(0, ['pause']);
    assert.match(await bench.ends(0, ['run', 'bell.json', '--shots', '9']), /9 shots/);
    await bench.ends(0, ['resume']);
    // Who asked hangs up.
    const stopped = bench.spawn(['run', 'bell.json', '--shots', '7']);
    await waitUntil('the run', () => notes().includes('run 7'));
    stopped.child.kill('SIGINT');
    assert.equal(await stopped.ended, 1);
    assert.match(stopped.output(), /stopped by the operator/);
    await waitUntil('the end of the run', () => notes().includes('stopped 7'));
    const killed = bench.spawn(['run', 'bell.json', '--shots', '7']);
    await waitUntil('the run', () => notes().filter((line) => line === 'run 7').length === 2);
    killed.child.kill('SIGKILL');
    await waitUntil('the end', () => notes().filter((line) => line === 'stopped 7').length === 2);
    assert.equal(notes().filter((line) => line === 'made').length, 1);
    // With a device that two may use.
    assert.match(await bench.ends(0, ['run', 'bell.json', '--shots', '9', '--own-executor']), /9 shots/);
    assert.equal(notes().filter((line) => line === 'made').length, 2);
  });

  it('says what has become of the run if the node dies meanwhile', async () => {
    await start();
    const local = bench.spawn(['run', 'bell.json', '--shots', '7']);
    await local.says('it has the device, as job local-');
    process.kill(bench.pid, 'SIGKILL');
    assert.equal(await local.ended, 1);
    assert.match(
      local.output(),
      /NodeError: the node has hung up before the run had ended\n {2}→ See why: coda status, coda logs\.\n$/,
    );
  });

  it('asks with a token that only this user can read, and nobody else may ask', async () => {
    await start();
    const path = join(bench.stateDir, 'coda-node-spool', 'door-token');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const token = readFileSync(path, 'utf8').trim();
    const { address } = JSON.parse(
      readFileSync(join(bench.stateDir, 'coda-node-spool', 'running.json'), 'utf8'),
    ) as { address: { port: number } };
    const ask = async (headers: Record<string, string>, body = '{}'): Promise<number> => {
      const url = `http://127.0.0.1:${address.port}/local/run`;
      const answer = await fetch(url, { method: 'POST', headers, body });
      await answer.text();
      return answer.status;
    };
    const authorization = `Bearer ${token}`;
    assert.equal(await ask({}), 401);
    assert.equal(await ask({ authorization: `Bearer ${token}x` }), 401);
    assert.equal(await ask({ authorization: `Basic ${token}` }), 401);
    assert.equal(await ask({ authorization, origin: 'http://evil.example' }), 403);
    assert.equal(await ask({ authorization, origin: 'http://localhost:1' }), 403);
    assert.equal(await ask({ authorization, 'sec-fetch-site': 'cross-site' }), 403);
    for (const body of ['', '7', '{"ir": 7}', '{"ir": "{}"}', '{"ir": "{}", "shots": "9"}']) {
      assert.equal(await ask({ authorization }, body), 400, body);
    }
    assert.equal(await ask({ authorization }, JSON.stringify({ ir: '{}', shots: 9 })), 200);
    assert.deepEqual(notes(), ['made']);
    assert.ok(!bench.log.includes(token));
    await bench.ends(0, ['stop']);
    assert.throws(() => statSync(path), /ENOENT/);
  });

  it('opens no second executor if the node cannot be asked, and says what to do', async () => {
    await start();
    await bench.ends(0, ['stop']);
    writeFileSync(
      join(bench.folder, 'coda.config.mjs'),
      EXECUTOR.replace('export default {', 'export default { plugins: [["door", false]],'),
    );
    await bench.ends(0, ['start', '-d']);
    const made = notes().length;
    const text = await bench.ends(1, ['run', 'bell.json']);
    assert.match(text, /a node \(PID \d+\) has the device, and it takes no circuit/);
    assert.match(text, /→ Switch its plugin door on/);
    assert.equal(notes().length, made);
  });
});
