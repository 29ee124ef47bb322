// `coda start --daemon`, `stop`, `status` and `logs`, as processes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findNode } from '../../../src/cli/local-node/find.ts';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { hasEnded, readOr } from '../operator.ts';
import { bench, cloud } from '../workbench.ts';

const job = { ir: bell('cz').ir, shots: 6 };

/** Of every process, as ps shows them, which a minimal system does not have. */
function commandLines(): Record<string, string> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return Object.fromEntries(pids.map((pid) => [`cmdline of ${pid}`, readOr(`/proc/${pid}/cmdline`, '')]));
}

describe('the daemon', () => {
  const path = (name: string): string => join(bench.stateDir, name);
  const startDaemon = (env: Record<string, string> = {}): Promise<string> =>
    bench.ends(0, ['start', '--daemon'], { CODA_NODE_TOKEN: cloud.issueToken(), ...env });

  it('is ready when the command returns, works, and is stopped', async () => {
    const said = await startDaemon();
    assert.match(said, new RegExp(`started: PID ${bench.pid}, ready`));
    const status = JSON.parse(await bench.ends(0, ['status', '--json'])) as Record<string, unknown>;
    assert.equal(status['running'], true);
    assert.equal(status['pid'], bench.pid);
    assert.equal(status['daemon'], true);
    const live = status['live'] as Record<string, unknown>;
    assert.deepEqual([live['ready'], live['queued'], live['undelivered']], [true, 0, 0]);
    assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
    for (const name of ['coda-node.pid', 'coda-node.log']) {
      assert.equal(statSync(path(name)).mode & 0o777, 0o600, name);
    }
    const { pid } = bench;
    assert.match(await bench.ends(0, ['stop']), new RegExp(`stopped PID ${pid}`));
    assert.equal(hasEnded(pid), true);
    assert.equal(existsSync(path('coda-node.pid')), false);
    assert.match(await bench.ends(1, ['stop']), /no node runs/);
    assert.match(await bench.ends(1, ['status']), /stopped/);
    // The credentials are kept: no token the second time.
    await bench.ends(0, ['start', '-d']);
    await bench.ends(0, ['stop']);
  });

  it('does not show its token, key and passwords', async () => {
    const token = cloud.issueToken();
    const planted = 'planted-header-value';
    const starting = bench.spawn(['start', '--daemon', '--token', token], {
      CODA_NODE_TOKEN: 'planted-token-in-env',
      CODA_NODE_CONNECT_HEADERS: `{"x-lab":"${planted}"}`,
    });
    assert.equal(await starting.ended, 0, starting.output());
    const { pid } = bench;
    const environ = readFileSync(`/proc/${pid}/environ`, 'utf8');
    assert.match(environ, /CODA_STATE_DIR=/);
    const password = new URL(cloud.redisUrl).password;
    const key = readFileSync(path('coda-private-key'), 'utf8').split('\n')[1] ?? '';
    const places: Record<string, string> = {
      environ,
      ...commandLines(),
      start: starting.output(),
      status: await bench.ends(0, ['status']),
      json: await bench.ends(0, ['status', '--json']),
      logs: await bench.ends(0, ['logs']),
      stop: await bench.ends(0, ['stop']),
      log: bench.log,
    };
    assert.match(places['logs'] ?? '', /serving QPU/);
    assert.match(places[`cmdline of ${pid}`] ?? '', /coda-node/);
    for (const secret of [token, planted, 'planted-token-in-env', password, key]) {
      assert.ok(secret.length > 5);
      for (const [place, text] of Object.entries(places)) {
        assert.equal(text.includes(secret), false, `${place} shows a secret`);
      }
    }
  });

  it('that does not start is reported with the reason', async () => {
    const refused = await bench.ends(1, ['start', '--daemon'], { CODA_NODE_TOKEN: 'no-such-token' });
    assert.match(refused, /did not start[^]*NodeError: .*401/);
    assert.equal(refused.includes('no-such-token'), false);
    assert.equal(existsSync(path('coda-node.pid')), false);
    const port = new URL(cloud.url).port;
    assert.match(await bench.ends(1, ['start', '-d', '--port', port]), new RegExp(`port ${port} .*in use`));
    assert.match(await bench.ends(1, ['start', '-d']), /no credentials yet/);
    assert.match(await bench.ends(1, ['start', '-d'], { CODA_PORT: '80a' }), /CODA_PORT/);
  });

  it('that dies during its start is reported with the end of its log', async () => {
    writeFileSync(
      join(bench.folder, 'coda.config.js'),
      `export default { executor: () => { console.error('the fridge is warm'); process.kill(process.pid, 'SIGKILL'); } };`,
    );
    const died = await bench.ends(1, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    assert.match(died, /ended during its start \(SIGKILL\)[^]*the fridge is warm/);
    // What it left does not keep the next one from starting.
    writeFileSync(join(bench.folder, 'coda.config.js'), 'export default {};');
    await startDaemon();
  });

  it('does not continue to start after the command was interrupted', async () => {
    writeFileSync(
      join(bench.folder, 'coda.config.js'),
      `import { writeFileSync } from 'node:fs';
      export default { executor: async () => {
        writeFileSync(new URL('./child.pid', import.meta.url), String(process.pid));
        await new Promise((resolve) => setTimeout(resolve, 600_000));
      } };`,
    );
    const starting = bench.spawn(['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    const pid = await waitUntil('the executor to load', () =>
      Number(readOr(join(bench.folder, 'child.pid'), '0')),
    );
    starting.child.kill('SIGINT');
    await starting.ended;
    await waitUntil('the end of the daemon', () => hasEnded(pid));
    assert.match(await bench.ends(1, ['status']), /stopped/);
    assert.equal(existsSync(path('coda-node.pid')), false);
  });

  it('is refused beside another node, which continues', async () => {
    await startDaemon();
    const { pid } = bench;
    for (const args of [['start', '-d'], ['start']]) {
      const token = cloud.issueToken();
      assert.match(
        await bench.ends(1, args, { CODA_NODE_TOKEN: token }),
        new RegExp(`another node \\(PID ${pid}\\)`),
      );
    }
    assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
  });

  it('is stopped after its running job, with progress shown, or after the timeout', async () => {
    bench.holdRuns();
    await startDaemon();
    const jobId = await cloud.submit(job);
    await cloud.whenState(jobId, 'executing');
    const stopping = bench.spawn(['stop']);
    await stopping.says(`waiting for job ${jobId} to finish`);
    bench.endRuns();
    assert.equal(await stopping.ended, 0, stopping.output());
    assert.equal((await cloud.outcome(jobId)).status, 'completed');

    bench.holdRuns();
    await bench.ends(0, ['start', '-d']);
    const { pid } = bench;
    await cloud.whenState(await cloud.submit(job), 'executing');
    assert.match(await bench.ends(0, ['stop', '--timeout', '1']), new RegExp(`killed PID ${pid}`));
    assert.equal(hasEnded(pid), true);
    assert.match(await bench.ends(1, ['status']), /stopped/);
  });

  it('is not needed for coda status and coda stop: they also find a node in a terminal', async () => {
    const node = bench.spawn(['start', '--token', cloud.issueToken()]);
    await node.says('serving QPU');
    const status = JSON.parse(await bench.ends(0, ['status', '--json'])) as Record<string, unknown>;
    assert.deepEqual([status['pid'], status['daemon']], [node.child.pid, false]);
    assert.match(await bench.ends(1, ['logs']), /there is no log/);
    await bench.ends(0, ['stop']);
    assert.equal(await node.ended, 0);
  });

  it('is not confused with the program that a stale PID file names', async () => {
    mkdirSync(bench.stateDir);
    const stranger = spawn('sleep', ['600'], { stdio: 'ignore' });
    try {
      const texts = ['', '0\n', '1e3', `${stranger.pid}\n`, '999999999\n'];
      for (const text of texts) {
        writeFileSync(path('coda-node.pid'), text, { mode: 0o600 });
        assert.equal((await findNode(bench.stateDir)).node, undefined, JSON.stringify(text));
      }
      for (const text of ['garbage\n', '-1\n', `${stranger.pid}\n12345\n`]) {
        writeFileSync(path('coda-node.pid'), text, { mode: 0o600 });
        assert.match(await bench.ends(1, ['stop']), /no node runs/, JSON.stringify(text));
        assert.equal(existsSync(path('coda-node.pid')), false);
      }
      // A lock whose process id was used again, too.
      mkdirSync(path('coda-node-spool'));
      writeFileSync(path('coda-node-spool/lock'), `${stranger.pid} 12345\n`);
      await bench.ends(1, ['stop']);
      assert.equal(stranger.exitCode, null);
      assert.equal(readOr(`/proc/${stranger.pid}/comm`, ''), 'sleep\n');
      await startDaemon();
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  it('is not the only kind of node: a program with a node inside is not signalled', async () => {
    mkdirSync(path('coda-node-spool'), { recursive: true });
    const start = readFileSync(`/proc/${process.pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19];
    writeFileSync(path('coda-node-spool/lock'), `${process.pid} ${start}\n`);
    // Anybody could have written it: a process that uses the folder has it open.
    assert.match(await bench.ends(1, ['stop']), /no node runs/);
    const held = openSync(path('coda-node-spool/lock'), 'r');
    try {
      assert.match(await bench.ends(1, ['stop']), /was not started by coda/);
    } finally {
      closeSync(held);
    }
  });

  it('rotates its log by size, and coda logs reads across the rotation', async () => {
    const env = { CODA_LOG_MAX_MB: '0.001', CODA_LOG_LEVEL: 'debug' };
    await startDaemon(env);
    await bench.ends(0, ['stop']);
    await bench.ends(0, ['start', '-d'], env);
    await bench.ends(0, ['stop']);
    assert.equal(statSync(path('coda-node.log.1')).mode & 0o777, 0o600);
    const all = readOr(path('coda-node.log.1'), '') + bench.log;
    const wanted = all.trimEnd().split('\n').slice(-3).join('\n');
    assert.equal((await bench.ends(0, ['logs', '-n', '3'])).trimEnd(), wanted);
  });

  it('is followed by coda logs -f, even across a rotation', async () => {
    mkdirSync(bench.stateDir);
    writeFileSync(path('coda-node.log'), 'one\ntwo\nthree\n');
    const following = bench.spawn(['logs', '-f', '-n', '1']);
    await following.says('three');
    appendFileSync(path('coda-node.log'), 'four\n');
    await following.says('four');
    writeFileSync(path('coda-node.log'), 'rotated\n');
    await following.says('rotated');
    following.child.kill('SIGINT');
    assert.equal(await following.ended, 0);
    assert.equal(following.output(), 'three\nfour\nrotated\n');
  });

  it('does not write its log through a link', async () => {
    mkdirSync(bench.stateDir);
    writeFileSync(join(bench.folder, 'victim'), 'precious');
    symlinkSync(join(bench.folder, 'victim'), path('coda-node.log'));
    assert.match(await bench.ends(1, ['start', '-d']), /coda-node\.log cannot be written/);
    assert.equal(readOr(join(bench.folder, 'victim'), ''), 'precious');
  });
});
