// No secret appears in the log, in an error or at the health server, even if something goes wrong.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { bell, startLocalCloud, waitUntil, type LocalCloud } from '../../src/testing/index.ts';
import { coda, type CodaProcess } from './process.ts';

const HEADER_VALUE = 'planted-header-value';
const HEADERS = { CODA_NODE_CONNECT_HEADERS: JSON.stringify({ 'x-lab-gate': HEADER_VALUE }) };

describe('secrets stay inside', () => {
  let cloud: LocalCloud;
  let folder: string;
  let token: string;
  let node: CodaProcess | undefined;
  before(async () => {
    cloud = await startLocalCloud();
  });
  after(async () => {
    await cloud.close();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coda-secrets-'));
    token = cloud.issueToken();
  });
  afterEach(async () => {
    node?.child.kill('SIGKILL');
    await node?.ended;
    cloud.heal();
    cloud.overrideBundle(undefined);
    await rm(folder, { recursive: true, force: true });
  });

  function start(env: Readonly<Record<string, string>> = {}): CodaProcess {
    node = coda(['start', '-H', '127.0.0.1', '-p', '0', '--token', token], {
      cwd: folder,
      env: {
        CODA_WEBAPP_URL: cloud.url,
        CODA_STATE_DIR: join(folder, 'state'),
        CODA_NODE_CONNECT_RETRIES: '1',
        CODA_LOG_LEVEL: 'debug',
        ...HEADERS,
        ...env,
      },
    });
    return node;
  }

  /** Everything that the node has shown, and what `/ready` says. */
  async function shownBy({ output }: CodaProcess): Promise<string> {
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(output()) ?? [];
    const ready = await fetch(`${url}/ready`).then(
      (answer) => answer.text(),
      () => '',
    );
    return output() + ready;
  }

  function assertClean(text: string, ...more: readonly string[]): void {
    for (const secret of [token, HEADER_VALUE, new URL(cloud.redisUrl).password, ...more]) {
      assert.ok(secret.length >= 6);
      assert.ok(!text.includes(secret), `${secret} in ${text}`);
    }
    // One line may say where in a plugin it happened.
    assert.doesNotMatch(text, /(\n +at [^\n]*){2}/, 'an operator has no use for a stack');
  }

  for (const format of ['text', 'json']) {
    it(`while all is well, in a log of ${format}`, async () => {
      const started = start({ CODA_LOG_FORMAT: format });
      await started.says('reading jobs');
      await cloud.outcome(await cloud.submit({ ir: bell('cz').ir }));
      const shown = await shownBy(started);
      assert.match(shown, /"ready":true/);
      started.child.kill('SIGTERM');
      assert.equal(await started.ended, 0);
      const key = await readFile(join(folder, 'state', 'coda-private-key'), 'utf8');
      assertClean(shown + started.output(), ...key.split('\n').slice(1, -2));
    });
  }

  for (const status of [403, 500]) {
    it(`when the cloud answers the connect with ${status} and quotes the request`, async () => {
      cloud.fail('connect', { status, body: { error: `no: Bearer ${token}, ${HEADER_VALUE}` } });
      const { ended, output } = start();
      assert.equal(await ended, 1);
      assert.match(output(), new RegExp(`NodeError: .*${status}.*no: Bearer \\*\\*\\*, \\*\\*\\*`));
      assertClean(output());
    });
  }

  it('when the cloud refuses heartbeats and results and quotes the request', async () => {
    cloud.fail('heartbeat', { status: 422, body: { error: `bad gate ${HEADER_VALUE}` } });
    cloud.fail('webhook', { status: 422, body: { error: `bad gate ${HEADER_VALUE}` } });
    const started = start();
    await started.says('refused the heartbeat with 422: bad gate ***');
    const jobId = await cloud.submit({ ir: bell('cz').ir });
    await waitUntil('the refused webhook', () => cloud.deliveries.some(({ body }) => body?.job_id === jobId));
    await started.says('answered 422: bad gate ***');
    assertClean(await shownBy(started));
  });

  it('when Redis does not take the password', async () => {
    const wrong = 'planted-wrong-password';
    const { host } = new URL(cloud.redisUrl);
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: `redis://:${wrong}@${host}` }));
    const started = start();
    await started.says('WRONGPASS');
    assertClean(await shownBy(started), wrong);
  });

  it('when the bundle is broken', async () => {
    const wrong = 'planted-wrong-password';
    cloud.overrideBundle((bundle) => ({
      ...bundle,
      redis_url: `redis://:${wrong}%zz@127.0.0.1`,
      stream_key: token,
    }));
    const { ended, output } = start();
    assert.equal(await ended, 1);
    assert.match(output(), /NodeError: .*'redis_url'/);
    assertClean(output(), wrong);
  });

  it('when a proxy with a password cannot be reached', async () => {
    const { ended, output } = start({
      // No proxy is asked for the way to 127.0.0.1.
      CODA_WEBAPP_URL: cloud.url.replace('127.0.0.1', '0.0.0.0'),
      HTTP_PROXY: 'http://lab:planted-proxy-word@127.0.0.1:1',
    });
    assert.equal(await ended, 1);
    assert.match(output(), /NodeError: .*ECONNREFUSED/);
    assertClean(output(), 'planted-proxy-word');
  });

  it('when a plugin shows the whole request in its error', async () => {
    await writeFile(
      join(folder, 'coda.config.mjs'),
      `export default { plugins: [{ name: 'leaky', apply(node) {
         node.hooks.beforeConnect.tap('leaky', (request) => {
           throw new Error(JSON.stringify([request, node.settings.nodeToken]));
         });
       } }] };`,
    );
    const { ended, output } = start();
    assert.equal(await ended, 1);
    assert.match(output(), /PluginError: plugin 'leaky' failed in beforeConnect: .*\*\*\*/);
    assertClean(output());
  });
});
