// A node that may open no more files: the cause is named wherever one looks, and it is no pause of the operator.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { closeRedis, openRedis } from '../../../src/net/redis.ts';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';

const skip =
  (!existsSync('/proc/self/limits') || spawnSync('prlimit', ['--version']).status !== 0) &&
  'needs Linux and prlimit';
const REMEDY = /ulimit -n, or LimitNOFILE/;

describe('a node without a free file descriptor', { skip }, () => {
  const limit = (soft: number): void =>
    void execFileSync('prlimit', ['--pid', String(bench.pid), `--nofile=${soft}:`]);

  it('says so in its log, status and doctor, is not called paused, and goes on', async () => {
    bench.holdRuns();
    bench.endRuns();
    await bench.ends(0, ['start', '-d', '--token', cloud.issueToken()]);
    assert.match(await bench.ends(0, ['doctor']), /\d+ of \d+ file descriptors in use/);
    // The numbers of all files that it opens from now on would be too high.
    limit(3);
    const redis = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
    try {
      await waitUntil('losing Redis', async () => {
        await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        return /too many open files \(EMFILE\)/.test(bench.log);
      });
    } finally {
      closeRedis(redis);
    }
    await waitUntil('naming it', () => /no file can be opened/.test(bench.log));
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 2 });
    const status = await bench.run(['status']);
    const doctor = await bench.run(['doctor']);
    for (const said of [bench.log, status.output, doctor.output]) {
      assert.match(said, REMEDY);
      assert.doesNotMatch(said, /paused (by|since)/i);
    }
    for (const { output } of [status, doctor])
      assert.match(output, /may open no more.*: \d+ of 3 file descriptors/);
    assert.equal(status.code, 0, 'it runs');
    assert.equal(doctor.code, 1);
    limit(1024);
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
    await bench.ends(0, ['status', '--ready']);
    await bench.ends(0, ['stop']);
  });
});
