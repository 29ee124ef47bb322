// The file by which `coda submit` finds `coda dev`: private, replaced by the latest, withdrawn by its owner only.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { announce, findSession, rendezvousPath, withdraw } from '../../../src/cli/dev/rendezvous.ts';

const folder = mkdtempSync(join(tmpdir(), 'coda-rendezvous-'));
const env = { XDG_RUNTIME_DIR: folder };
const path = join(folder, 'coda-dev.json');
after(() => rmSync(folder, { recursive: true }));

const first = { url: 'http://127.0.0.1:1', token: 'first-token', pid: 1, stateDir: '/tmp/1' };
const second = { url: 'http://127.0.0.1:2', token: 'second-token', pid: 2, stateDir: '/tmp/2' };

test('is in the runtime directory of the user, else in the temp directory', () => {
  assert.equal(rendezvousPath(env), path);
  for (const other of [{}, { XDG_RUNTIME_DIR: '' }, { XDG_RUNTIME_DIR: join(folder, 'not-there') }]) {
    assert.equal(dirname(rendezvousPath(other)), tmpdir());
  }
});

test('is private; the latest session counts, and only it can take it back', async () => {
  assert.equal(findSession(env), undefined);
  await announce(first, env);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(findSession(env), first);
  await announce(second, env);
  withdraw(first, env);
  assert.deepEqual(findSession(env), second);
  withdraw(second, env);
  assert.equal(findSession(env), undefined);
});

test('is not trusted when others can write to it, or when it is broken', async () => {
  await announce(first, env);
  chmodSync(path, 0o666);
  assert.throws(() => findSession(env), { name: 'ConfigError', message: /0666/ });
  for (const text of ['', '[]', '{"url":1}', '{"url":"x","token":"y"}', '{"url":"x","token":"y","pid":1}']) {
    writeFileSync(path, text);
    chmodSync(path, 0o600);
    assert.throws(() => findSession(env), {
      name: 'ConfigError',
      message: /does not describe a dev session/,
    });
  }
  await announce(second, env);
  assert.deepEqual(findSession(env), second);
});
