// A node that may open no more files: the cause is named wherever one looks, and it is no pause of the operator.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { closeRedis, openRedis } from '../../../src/net/redis.ts';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';

const skip =
  (!existsSync('/proc/self/limits') || spawnSync('prlimit', ['--version']).status !== 0) &&
  'needs Linux and prlimit';
const REMEDY = /ulimit -n, or LimitNOFILE/;

/** Takes every descriptor that there is, again and again, from the file `hoard` on; gives them back at the file `release`. */
const HOARDER = `
import { closeSync, existsSync, openSync } from 'node:fs';
const isThere = (name) => existsSync(new URL(name, import.meta.url));
const files = [];
export default { plugins: [{ name: 'hoarder', apply(node) {
  const timer = setInterval(() => {
    if (isThere('release')) for (const file of files.splice(0)) closeSync(file);
    else if (isThere('hoard')) try { for (;;) files.push(openSync('/dev/null')); } catch {}
  }, 5);
  node.onClose('hoarder', () => clearInterval(timer));
} }] };
`;

/** Asks for /ready: status and body, or the code of the error. */
function ready(port: string, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({ port, path: '/ready', agent, timeout: 10_000 }, (response) => {
      let text = `${response.statusCode} `;
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    });
    asked.on('timeout', () => asked.destroy(Object.assign(new Error(), { code: 'no answer' })));
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    asked.end();
  });
}

describe('a node without a free file descriptor', { skip }, () => {
  const limit = (soft: number): void =>
    void execFileSync('prlimit', ['--pid', String(bench.pid), `--nofile=${soft}:`]);

  it('says so at /ready over a connection that is there, hangs up on others at once, and answers all again later', async (t) => {
    writeFileSync(join(bench.folder, 'coda.config.mjs'), HOARDER);
    const env = { CODA_NODE_TOKEN: cloud.issueToken() };
    const node = bench.spawn(['start'], env, ['sh', '-c', 'ulimit -n 256; exec "$@"', 'sh']);
    await node.says('reading jobs');
    const [, port = ''] = /listening on http:\/\/\S+:(\d+)/.exec(node.output()) ?? [];
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => kept.destroy());
    await waitUntil('being ready', async () => (await ready(port, kept)).startsWith('200 '));
    writeFileSync(join(bench.folder, 'hoard'), '');
    const said = await waitUntil('not being ready', async () => {
      const answer = await ready(port, kept);
      return answer.startsWith('503 ') ? answer : undefined;
    });
    assert.match(said, /no file can be opened.*EMFILE/);
    assert.match(said, REMEDY);
    assert.equal(await ready(port, new Agent()), 'ECONNRESET');
    // The log looks at times only: what is over before it has looked is in no line of it.
    await node.says('no job is taken: no file can be opened');
    writeFileSync(join(bench.folder, 'release'), '');
    await waitUntil('being ready', async () => (await ready(port, new Agent())).startsWith('200 '));
    await node.says('over: no job is taken: no file can be opened');
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0, node.output());
  });

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
