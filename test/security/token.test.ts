// The one-time token, given so that no process list ever shows it.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '../../src/testing/index.ts';
import { bench, cloud } from '../cli/workbench.ts';
import { readOr } from '../cli/operator.ts';

const MAIN = fileURLToPath(new URL('../../bundle/coda.cjs', import.meta.url));

/** `coda start …` with a pipe for its standard input. */
function startWithInput(args: readonly string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [MAIN, 'start', ...args], {
    cwd: bench.folder,
    env: {
      PATH: process.env['PATH'],
      HOME: bench.folder,
      TMPDIR: bench.folder,
      CODA_WEBAPP_URL: cloud.url,
      CODA_STATE_DIR: bench.stateDir,
      CODA_HOST: '127.0.0.1',
      CODA_PORT: '0',
    },
    stdio: 'pipe',
  });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text };
}

/** The command lines of all processes that name it. */
function commandLinesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readOr(`/proc/${pid}/cmdline`, ''))
    .filter((line) => line.includes(text));
}

describe('the token', () => {
  it('comes by standard input, and is in no process list before or after', async () => {
    const token = cloud.issueToken();
    const { child, output } = startWithInput(['--token', '-']);
    assert.deepEqual(existsSync('/proc/self') ? commandLinesWith(token) : [], []);
    child.stdin?.write(`${token}\n`);
    await waitUntil('the node', () => output().includes('serving QPU'));
    assert.deepEqual(existsSync('/proc/self') ? commandLinesWith(token) : [], []);
    assert.doesNotMatch(output(), new RegExp(token));
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'close'), [0, null]);
  });

  it('comes by standard input to a daemon', async () => {
    const { child, output } = startWithInput(['-d', '-t-']);
    child.stdin?.end(` ${cloud.issueToken()} \r\n`);
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 0, output());
    await bench.ends(0, ['stop']);
  });

  it('comes by a file, with a warning if others can read it', async () => {
    const file = join(bench.folder, 'token.txt');
    writeFileSync(file, `${cloud.issueToken()}\n`, { mode: 0o644 });
    chmodSync(file, 0o644);
    const first = await bench.ends(0, ['start', '-d', '--token-file', 'token.txt']);
    assert.match(
      first,
      /^warning: other users can read token\.txt \(mode 644\).*\n +→ chmod 600 token\.txt$/m,
    );
    await bench.ends(0, ['stop']);
    writeFileSync(file, cloud.issueToken());
    chmodSync(file, 0o600);
    assert.doesNotMatch(await bench.ends(0, ['start', '-d', `--token-file=${file}`]), /warning/);
  });

  it('that is not there is named before anything starts', async () => {
    const empty = join(bench.folder, 'empty');
    writeFileSync(empty, '\n \n', { mode: 0o600 });
    mkdirSync(join(bench.folder, 'folder'));
    writeFileSync(join(bench.folder, 'two'), 'one\ntwo\n', { mode: 0o600 });
    writeFileSync(join(bench.folder, 'long'), 'x'.repeat(200_000), { mode: 0o600 });
    for (const [args, said] of [
      [['--token-file', 'nowhere'], /the token file nowhere cannot be read: ENOENT/],
      [['--token-file', 'empty'], /the token file empty has no token\n +→ /],
      [['--token-file', 'folder'], /the token file folder cannot be read: EISDIR/],
      [['--token-file', 'two'], /has more than a token/],
      [['--token-file', 'long'], /has more than a token/],
      // Standard input is closed.
      [['--token', '-'], /standard input has no token/],
    ] as const) {
      assert.match(await bench.ends(1, ['start', ...args]), said);
    }
    assert.match(await bench.ends(2, ['start', '--token', 'a', '--token-file', 'two']), /are both given/);
    assert.equal(existsSync(join(bench.stateDir, 'coda.config')), false);
  });

  it('for a service is in a file that others must not read', async () => {
    const bin = join(bench.folder, 'bin');
    const config = join(bench.folder, 'config');
    mkdirSync(bin);
    mkdirSync(config);
    writeFileSync(join(bin, 'systemctl'), '#!/bin/sh\n', { mode: 0o755 });
    const file = join(config, 'coda-node.env');
    writeFileSync(file, 'CODA_NODE_TOKEN=x\n');
    chmodSync(file, 0o640);
    const env = { PATH: `${bin}:${process.env['PATH']}`, XDG_CONFIG_HOME: config };
    const said = await bench.ends(0, ['service', 'install', '--user'], env);
    assert.ok(said.includes(`write CODA_NODE_TOKEN=<token> into ${file} with an editor (chmod 600)`), said);
    assert.match(said, /^warning: other users can read .*coda-node\.env \(mode 640\), which holds a token/m);
    assert.match(
      await bench.ends(0, ['service', 'print', '--user']),
      /^EnvironmentFile=-%E\/coda-node\.env$/m,
    );
  });
});
