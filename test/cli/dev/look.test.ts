// The node of a `coda dev` to somebody who tries the commands of an operator on it, in another terminal.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { coda } from '../process.ts';

const folder = mkdtempSync(join(tmpdir(), 'coda-dev-look-'));
const home = { XDG_RUNTIME_DIR: folder };
after(() => rmSync(folder, { recursive: true, force: true }));

async function said(code: number, args: readonly string[], env: Record<string, string>): Promise<string> {
  const command = coda(args, { cwd: folder, env: { ...home, ...env } });
  assert.equal(await command.ended, code, command.output());
  return command.output();
}

it('is looked at and paused as any other; without its state directory, each command says how', async () => {
  const elsewhere = { CODA_STATE_DIR: join(folder, 'state') };
  const dev = coda(['dev', '--shots', '10'], { cwd: folder, env: home });
  try {
    await dev.says('Ctrl-C ends everything');
    const [, stateDir = ''] = /^ {2}CODA_STATE_DIR=(\S+) coda top$/m.exec(dev.output()) ?? [];
    const its = { CODA_STATE_DIR: stateDir };
    assert.match(await said(0, ['status', '--ready'], its), /^ready +yes$/m);
    assert.match(await said(0, ['page'], its), /^http:\/\/127\.0\.0\.1:\d+\/#token=/);
    assert.match(await said(0, ['top'], its), /^device +busy/m);
    assert.match(await said(0, ['log-level', 'error'], its), /^log level +error/m);
    assert.doesNotMatch(await said(0, ['pause', '--reason', 'a try'], its), /not confirmed/);
    assert.match(await said(1, ['status', '--ready'], its), /paused by the operator: a try/);
    assert.match(await said(0, ['resume'], its), /^resumed$/m);

    for (const [code, ...args] of [
      [1, 'status'],
      [1, 'top'],
      [1, 'page'],
      [1, 'jobs'],
      [1, 'stats'],
      [1, 'stop'],
      [0, 'pause'],
      [0, 'log-level'],
    ] as const) {
      const text = await said(code, args, elsewhere);
      assert.ok(text.includes(`for its node, put CODA_STATE_DIR=${stateDir} before`), text);
    }
    assert.match(await said(0, ['stop'], its), /^stopped PID \d+$/m);
    assert.equal(await dev.ended, 0);
  } finally {
    dev.child.kill('SIGKILL');
    await dev.ended;
  }
  assert.doesNotMatch(await said(1, ['status'], elsewhere), /coda dev/);
});

it('can be one that was started by hand, as at the cloud: without an account, and with no state but its own', async () => {
  assert.match(await said(2, ['dev', '--cloud-only', '--once'], {}), /exclude each other/);
  const dev = coda(['dev', '--cloud-only'], { cwd: folder, env: home });
  try {
    await dev.says('Ctrl-C ends this');
    const text = dev.output();
    const [, url = '', stateDir = ''] =
      /^ {2}export CODA_WEBAPP_URL=(\S+) CODA_STATE_DIR=(\S+)$/m.exec(text) ?? [];
    const [, start = ''] = /^ {2}coda (start --daemon .*)$/m.exec(text) ?? [];
    const [, submit = ''] = /^ {2}coda (submit .*)$/m.exec(text) ?? [];
    const env = { CODA_WEBAPP_URL: url, CODA_STATE_DIR: stateDir, CODA_PORT: '0' };
    assert.match(await said(0, start.split(' '), { ...env, CODA_EXECUTOR_FACTORY: 'simulator' }), /ready/);
    assert.match(await said(0, submit.split(' '), {}), /500 shots/);
    assert.match(await said(0, ['stop'], env), /^stopped PID/m);
    assert.doesNotMatch(await said(1, ['status'], env), /coda dev/);
    assert.match(await said(0, ['start', '--daemon'], env), /ready/);
    assert.match(await said(0, ['stop'], env), /^stopped PID/m);
  } finally {
    dev.child.kill('SIGTERM');
    await dev.ended;
  }
});
