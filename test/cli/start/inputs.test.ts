// Small inputs that once made the node do something else than it said, against the program as users run it.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { json, serve } from '../../support/http-server.ts';
import { bench, cloud } from '../workbench.ts';

const write = (name: string, text: string): void => {
  const path = join(bench.folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};
const plugin = (tap: string): string =>
  `export default { plugins: [{ name: 'lab', apply(node) { node.hooks.${tap}; } }] };`;

describe('coda start', () => {
  const start = (env: Readonly<Record<string, string>> = {}): ReturnType<typeof bench.spawn> =>
    bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken(), ...env });

  for (const [what, text, says] of [
    ['uses merge keys', 'base: &b { executor_factory: simulator }\n<<: *b\n', /executor simulator/],
    [
      'names a key that is there twice',
      'executor_factory: noop\nexecutor_factory: simulator\n',
      /the key executor_factory is there twice in .*device\.yaml:2:1; the last one counts[^]*executor simulator/,
    ],
    [
      'names a misspelt key',
      'executorFactory: simulator\n',
      /executorFactory .*did you mean executor_factory/,
    ],
  ] as const) {
    it(`${what} of the device YAML`, async () => {
      write('site/device.yaml', text);
      const node = start();
      await node.says('serving QPU');
      assert.match(node.output(), says);
    });
  }

  for (const [what, tap, says] of [
    ['a hook that does not exist', "onJbo.tap('lab', () => {})", /no hook 'onJbo'; did you mean 'onJob'\?/],
    [
      'an executor without run',
      "resolveExecutor.tap('lab', () => ({ executor: {}, source: 'lab' }))",
      /plugin 'lab' failed in resolveExecutor: .*executor/,
    ],
    [
      'an executor without its source',
      "resolveExecutor.tap('lab', () => ({ executor: {} }))",
      /plugin 'lab' failed in resolveExecutor: .*source/,
    ],
  ] as const) {
    it(`is refused, by the name of the plugin, for ${what}`, async () => {
      write('coda.config.mjs', plugin(tap));
      const node = start();
      assert.equal(await node.ended, 1, node.output());
      assert.match(node.output(), says);
    });
  }

  for (const [variable, value] of [
    ['CODA_STATE_DIR', '"/state"'],
    ['CODA_WEBAPP_URL', "'http://cloud.example'"],
    ['NO_PROXY', '"10.0.0.0/8"'],
  ] as const) {
    it(`is refused for quotes around the value of ${variable}`, async () => {
      const node = start({ [variable]: value });
      assert.equal(await node.ended, 1, node.output());
      assert.match(node.output(), new RegExp(`the value of ${variable} has quotes around it`));
    });
  }

  it('reads a VPN profile of as many lines as fit to its end, before OpenVPN is started', async (t) => {
    const routes = Array.from({ length: 14_719 }, (_, n) => `route 10.${n >> 8}.${n & 255}.0`);
    const client_profile_ovpn = [...routes, routes[0], 'up x', 'client', 'remote a 1'].join('\n');
    cloud.overrideBundle((bundle) => ({ ...bundle, vpn: { required: true, client_profile_ovpn } }));
    t.after(() => cloud.overrideBundle(undefined));
    const node = start();
    assert.equal(await node.ended, 1, node.output());
    assert.match(node.output(), /VPNError: line 14721 of the VPN profile: 'up' is refused/);
  });

  it('waits as long as the cloud asks for', async () => {
    cloud.fail('connect', { status: 429, headers: { 'retry-after': '2' } });
    const node = start();
    await node.says('it answered 429');
    await node.says('next attempt in 2 s');
    cloud.heal();
    await node.says('serving QPU');
  });
});

describe('a job', () => {
  it('may have a byte order mark before its circuit, and one of another format is named', async () => {
    const node = bench.spawn(['start'], {
      CODA_NODE_TOKEN: cloud.issueToken(),
      CODA_EXECUTOR_FACTORY: 'simulator',
    });
    const text = JSON.stringify(bell('cz').ir);
    const marked = await cloud.submit({ ir: `\uFEFF${text}`, shots: 5 });
    const foreign = await cloud.submit({ ir: 'OPENQASM 2.0;\nqreg q[2];\n', shots: 5 });
    const wide = await cloud.submit({ shots: 5, raw: { ir_json: Buffer.from(`\uFEFF${text}`, 'utf16le') } });
    assert.equal((await cloud.outcome(marked)).status, 'completed');
    const outcome = await cloud.outcome(foreign);
    assert.match(
      outcome.status === 'failed' ? outcome.error : '',
      /OpenQASM 2\.0; this node takes NativeGateIR/,
    );
    await node.says(`job ${foreign} failed in the check of its circuit: the circuit is OpenQASM 2.0`);
    await node.says(`job ${wide} failed in the check of its circuit: the circuit is text in UTF-16`);
  });
});

/** What goes wrong with a job is chosen by its number of shots. */
const TROUBLES = `
export default {
  executor: () => ({
    async run(ir, shots) {
      if (shots === 1) throw new Error('the fridge is warm');
      for (const end = performance.now() + 1_400; shots === 2 && performance.now() < end; );
      return { counts: { '00': shots }, executionTimeMs: shots === 3 ? -1.5 : 1, shotsCompleted: shots };
    },
  }),
  plugins: [{ name: 'lab', apply: ({ hooks }) => hooks.onJob.tapPromise('lab', async ({ shots }, { signal }) => {
    if (shots === 4) throw new Error('no helium');
    if (shots === 5) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }) }],
};`;

describe('the log of a node', () => {
  it('names each job that went wrong, and why; and of the cloud, what was not its answer', async (t) => {
    t.after(() => cloud.heal());
    write('coda.config.mjs', TROUBLES);
    const env = { CODA_LOG_LEVEL: 'debug', CODA_HOOK_TIMEOUT_SEC: '0.3' };
    const node = bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken(), ...env });
    for (const [shots, status, says] of [
      [
        1,
        'failed',
        / WARN .*job ID failed in the executor \(.*\): the fridge is warm\n[^]* DEBUG .*job ID: Error: the fridge is warm\n +at .*coda\.config\.mjs:5/,
      ],
      [
        2,
        'completed',
        / WARN .*the event loop was blocked for 1\.\d s while job ID ran: the executor .* should do long work/,
      ],
      [3, 'completed', / WARN .*the executor .* returned an executionTimeMs of -1\.5 for job ID/],
      [4, 'failed', / WARN .*job ID failed before its run: plugin 'lab' failed in onJob: no helium/],
      [5, 'failed', / WARN .*job ID failed before its run: plugin 'lab' has not settled in onJob/],
    ] as const) {
      const jobId = await cloud.submit({ ir: bell('cz').ir, shots });
      const outcome = await cloud.outcome(jobId);
      assert.equal(outcome.status, status);
      if (shots === 3) assert.equal(outcome.status === 'completed' && outcome.execution_time_ms, 0);
      await waitUntil(`the line of the job with ${shots} shots`, () =>
        says.test(node.output().replaceAll(jobId, 'ID')),
      ).catch(() => assert.match(node.output().replaceAll(jobId, 'ID'), says));
    }

    const callback = await serve(t, (response, _, number) => {
      if (number === 1) response.setHeader('content-type', 'text/html').end('<title>WiFi</title>');
      else json(response, 200, {});
    });
    await cloud.submit({ ir: bell('cz').ir, shots: 6, raw: { callback_url: `${callback.url}/hook` } });
    await node.says('answered 200 with a web page ("WiFi")');
    await waitUntil('the second attempt', () => callback.received.length === 2);
    await waitUntil('acknowledging', async () => (await cloud.pending()) === 0);
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0, node.output());

    const date = new Date(Date.now() + 7_200_000).toUTCString();
    cloud.fail('connect', { status: 401, headers: { date }, body: { error: 'the token is expired' } });
    const again = await bench.ends(1, ['start'], env);
    assert.match(again, /this machine's clock is 2 h behind the cloud[^]*timedatectl/);
    assert.doesNotMatch(again, /coda reset|--token/);
  });
});
