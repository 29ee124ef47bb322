// The health server among strangers: who sees what, and what remains for the node if somebody takes all connections.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { bell, waitUntil } from '../../src/testing/index.ts';
import { bench, cloud } from '../cli/workbench.ts';

const SUMMARY = ['ready', 'vpn_state', 'redis_healthy', 'current_job'];
const FLOOD = 2_000;
/** Under a limit of the shell, which Node.js cannot raise. */
const FEW_DESCRIPTORS = ['sh', '-c', 'ulimit -n 1024; exec "$@"', 'sh'];

const ROUTE = `export default { plugins: [{ name: 'mine', apply(node) {
  node.hooks.http.tap('mine', (router) => router.get('/mine', (ctx) => { ctx.body = 'state_dir=' + node.settings.stateDir; }));
} }] };`;

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
}

function ask(
  host: string,
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, path, headers, agent: new Agent(), timeout: 10_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, text }));
      response.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.end();
  });
}

/** An address of this machine that is none of the loopback ones: what comes from it looks like a stranger's. */
const foreign = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
const skip = foreign === undefined && 'this machine has no address but the loopback ones';

async function start(env: Record<string, string> = {}, under: readonly string[] = []): Promise<number> {
  writeFileSync(join(bench.folder, 'coda.config.mjs'), ROUTE);
  const all = { CODA_NODE_TOKEN: cloud.issueToken(), CODA_HOST: '0.0.0.0', ...env };
  const node = bench.spawn(['start'], all, under);
  await node.says('serving QPU');
  return Number(/listening on http:\/\/\S+:(\d+)/.exec(node.output())?.[1]);
}

describe('the health server', () => {
  after(() => assert.deepEqual(cloud.violations, []));

  it('shows other machines /health and four fields of /ready, and nothing else', { skip }, async () => {
    const port = await start();
    const stranger = foreign ?? '';
    assert.deepEqual(await ask(stranger, port, '/health'), { status: 200, text: '{"status":"ok"}' });
    // Not ready, and with a reason that names a path.
    await bench.ends(0, ['pause']);
    await waitUntil('the pause', async () => (await ask(stranger, port, '/ready')).status === 503);
    const ready = await ask(stranger, port, '/ready');
    assert.deepEqual(Object.keys(JSON.parse(ready.text) as object), SUMMARY);
    for (const path of [
      '/mine',
      '/MINE/',
      '/nowhere',
      '//mine',
      '/%6dine',
      '/health/../mine',
      '/',
      '/metrics',
      '/page/state',
      '/page/jobs',
      '/local/run',
    ]) {
      for (const headers of [
        {},
        { host: `127.0.0.1:${port}` },
        { host: 'localhost', 'x-forwarded-for': '127.0.0.1' },
      ]) {
        const { status, text } = await ask(stranger, port, path, headers);
        assert.equal(status, 403, path);
        assert.doesNotMatch(text, /state|mine/);
      }
    }
  });

  it('shows this machine everything, but not a page in its browser or what passes a proxy', async () => {
    const port = await start();
    const details = async (headers: Record<string, string>): Promise<boolean> => {
      const ready = await ask('127.0.0.1', port, '/ready', headers);
      const mine = await ask('127.0.0.1', port, '/mine', headers);
      const seesAll =
        'state_dir' in (JSON.parse(ready.text) as object) || 'reasons' in (JSON.parse(ready.text) as object);
      assert.equal(mine.status, seesAll ? 200 : 403);
      return seesAll;
    };
    for (const host of [`127.0.0.1:${port}`, 'localhost', 'LOCALHOST:1', '127.9.9.9', `[::1]:${port}`]) {
      assert.equal(await details({ host }), true, host);
    }
    for (const host of [
      'evil.example.org',
      `127.0.0.1.evil.example.org:${port}`,
      'localhost.evil.org',
      '127.1.evil',
    ]) {
      assert.equal(await details({ host }), false, host);
    }
    assert.equal(await details({ origin: `http://127.0.0.1:${port}` }), true);
    for (const origin of ['http://evil.example.org', 'null', 'https://localhost.evil.org']) {
      assert.equal(await details({ origin }), false, origin);
    }
    for (const name of ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via', 'X-Forwarded-Host']) {
      assert.equal(await details({ [name]: '127.0.0.1' }), false, name);
    }
  });

  it('shows everybody everything if it is set so', { skip }, async () => {
    const port = await start({ CODA_HEALTH_OPEN: 'true' });
    assert.match((await ask(foreign ?? '', port, '/mine')).text, /state_dir=/);
    assert.match((await ask(foreign ?? '', port, '/ready')).text, /reasons/);
  });

  it('is found by coda status at one address of the machine, too', { skip }, async () => {
    const port = await start({ CODA_HOST: foreign ?? '' });
    const status = JSON.parse(await bench.ends(0, ['status', '--json'])) as { live: object; url: string };
    assert.equal(status.url, `http://${foreign}:${port}`);
    assert.ok('reasons' in status.live);
  });
});

describe('a node with 1,024 descriptors and 2,000 idle connections', () => {
  it('still runs jobs, delivers them, and answers those who ask how it is', async () => {
    const port = await start({}, FEW_DESCRIPTORS);
    const sockets: Socket[] = [];
    try {
      for (let opened = 0; opened < FLOOD; opened += 1) {
        const socket = connect(port, '127.0.0.1')
          .on('error', () => {})
          .resume();
        // Some say nothing, some begin a request, some have had an answer and keep the connection.
        if (opened % 3 === 1) socket.write('GET /health HTTP/1.1\r\nHost: a');
        if (opened % 3 === 2) socket.write('GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n');
        sockets.push(socket);
      }
      const alive = (): number =>
        sockets.filter(({ connecting, destroyed }) => !connecting && !destroyed).length;
      await waitUntil('the connections', () => sockets.every(({ connecting }) => !connecting));
      await waitUntil('few of them to be left', () => alive() <= 128);
      assert.equal((await ask('127.0.0.1', port, '/health')).status, 200);
      for (let round = 0; round < 3; round += 1) {
        const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 6 });
        assert.equal((await cloud.outcome(jobId)).status, 'completed');
      }
      const ready = await ask('127.0.0.1', port, '/ready');
      assert.equal(ready.status, 200, ready.text);
      assert.match(await bench.ends(0, ['status']), /ready +yes/);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});
