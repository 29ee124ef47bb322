import assert from 'node:assert/strict';
import { lchownSync, readFileSync, renameSync, statSync, symlinkSync, unlinkSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readState, writeState } from '../../src/config/persisted.ts';
import { ConfigError } from '../../src/errors.ts';
import { asNobody, folder, KEY, put, putPythonState, pythonState } from './folder.ts';

describe('the persisted state', () => {
  it('of the Python original is read as it is', (t) => {
    const stateDir = folder(t);
    putPythonState(stateDir);
    assert.deepEqual(readState(stateDir), {
      qpuId: 'qpu-7',
      qpuDisplayName: 'Lab seven',
      nativeGateSet: 'iswap',
      numQubits: 9,
      jwtKeyId: 'key-1',
      jwtPrivateKey: KEY,
      redisUrl: 'rediss://node:hunter2-redis@redis.example.org:6380/0',
      webappUrl: 'https://coda.example.org',
      connectPath: '/c',
      heartbeatPath: '/h',
      webhookPath: '/w',
      vpnRequired: false,
      vpnCheckIntervalSec: 20,
      vpnProbeTargets: ['https://probe.example.org/'],
      nodeAutoVpn: false,
      nodeVpnProfilePath: join(stateDir, 'coda-node.ovpn'),
      nodeMachineFingerprint: 'lab-7-42',
    });
  });

  it('is written with the keys of the original, and read back', async (t) => {
    const stateDir = folder(t);
    putPythonState(stateDir, { vpn_interface_hint: 'tun7' });
    const state = readState(stateDir);
    assert.ok(state !== undefined);
    const copy = join(folder(t), 'made', 'here');
    await writeState(copy, state);
    assert.equal(statSync(copy).mode & 0o777, 0o700);
    for (const name of ['coda.config', 'coda-private-key']) {
      assert.equal(statSync(join(copy, name)).mode & 0o777, 0o600);
    }
    assert.deepEqual(JSON.parse(readFileSync(join(copy, 'coda.config'), 'utf8')), {
      ...pythonState(stateDir),
      vpn_interface_hint: 'tun7',
      jwt_private_key_path: join(copy, 'coda-private-key'),
    });
    assert.deepEqual(readState(copy), state);
  });

  it('that was moved finds its key and forgets its old folder', (t) => {
    const home = folder(t);
    putPythonState(join(home, 'old'));
    renameSync(join(home, 'old'), join(home, 'new'));
    const state = readState(join(home, 'new'));
    assert.equal(state?.jwtPrivateKey, KEY);
    assert.equal(state?.nodeVpnProfilePath, undefined);
  });

  it('may keep its key elsewhere', (t) => {
    const home = folder(t);
    putPythonState(join(home, 'state'), { jwt_private_key_path: put(home, 'keys/other', 'OTHER') });
    assert.equal(readState(join(home, 'state'))?.jwtPrivateKey, 'OTHER');
  });

  it('is absent without its settings, even if there is a key', (t) => {
    const stateDir = folder(t, { 'coda-private-key': KEY });
    assert.equal(readState(stateDir), undefined);
    assert.equal(readState(join(stateDir, 'nowhere')), undefined);
  });

  const refused = (stateDir: string, ...expected: readonly RegExp[]): void => {
    assert.throws(
      () => readState(stateDir),
      (thrown: unknown) => {
        assert.ok(thrown instanceof ConfigError, String(thrown));
        for (const pattern of expected) assert.match(thrown.message, pattern);
        assert.doesNotMatch(thrown.message, /hunter2|MIIE/);
        return true;
      },
    );
  };

  it('with broken JSON is a clear error that quotes nothing', (t) => {
    const stateDir = folder(t);
    for (const text of [
      '',
      '{"redis_url": "redis://:hunter2@h",',
      'hunter2',
      '["hunter2"]',
      '"hunter2"',
      'null',
    ]) {
      put(stateDir, 'coda.config', text);
      refused(stateDir, /coda\.config (is not valid JSON|must hold a JSON object)/, /coda reset/);
    }
  });

  it('with wrong types names each key', (t) => {
    const stateDir = folder(t);
    putPythonState(stateDir, {
      qpu_id: 7,
      num_qubits: 'nine',
      vpn_required: 'maybe',
      redis_url: 'hunter2',
      jwt_key_id: null,
    });
    refused(
      stateDir,
      /qpu_id in .*coda\.config is 7/,
      /num_qubits in .* is "nine"/,
      /vpn_required in .* is "maybe"/,
      /redis_url in .* \(not shown\)/,
      /jwt_key_id in .* is missing/,
    );
    putPythonState(stateDir, { jwt_private_key_path: 5 });
    refused(stateDir, /jwt_private_key_path in .* must be a path/);
  });

  it('without its key says so', (t) => {
    const stateDir = folder(t);
    putPythonState(stateDir);
    put(stateDir, 'coda-private-key', '\n');
    refused(stateDir, /coda-private-key in .* is empty/);
    unlinkSync(join(stateDir, 'coda-private-key'));
    refused(stateDir, /coda-private-key of .*coda\.config is missing/, /coda reset/);
  });

  it('may be links to files of the same user, and may have numbers and booleans as texts', (t) => {
    const stateDir = folder(t);
    putPythonState(stateDir, { num_qubits: '9', vpn_required: 'False', vpn_check_interval_sec: '20' });
    const elsewhere = folder(t);
    for (const name of ['coda.config', 'coda-private-key']) {
      renameSync(join(stateDir, name), join(elsewhere, name));
      symlinkSync(join(elsewhere, name), join(stateDir, name));
    }
    const state = readState(stateDir);
    assert.deepEqual(
      [state?.numQubits, state?.vpnRequired, state?.vpnCheckIntervalSec, state?.jwtPrivateKey],
      [9, false, 20, KEY],
    );
    chmodSync(join(elsewhere, 'coda.config'), 0o640);
    refused(stateDir, /has mode 0640/, new RegExp(`chmod 600 ${elsewhere}/coda.config`));
    const wrong = folder(t);
    putPythonState(wrong, { num_qubits: 'nine' });
    refused(wrong, /num_qubits/, /Correct it, .* credentials stay valid/);
  });

  const isRoot = process.geteuid?.() === 0;
  it("is refused if a file is another user's link", { skip: !isRoot && 'needs root' }, (t) => {
    for (const name of ['coda.config', 'coda-private-key']) {
      const stateDir = folder(t);
      putPythonState(stateDir);
      renameSync(join(stateDir, name), join(stateDir, 'moved'));
      symlinkSync(join(stateDir, 'moved'), join(stateDir, name));
      lchownSync(join(stateDir, name), 65_534, 65_534);
      refused(stateDir, new RegExp(`${name} is a symbolic link`));
    }
  });

  it('is refused if others can read a file of it', (t) => {
    for (const name of ['coda.config', 'coda-private-key']) {
      const stateDir = folder(t);
      putPythonState(stateDir);
      chmodSync(join(stateDir, name), 0o644);
      refused(stateDir, new RegExp(`${name} has mode 0644`), new RegExp(`chmod 600 .*${name}`));
    }
  });

  it('whose folder cannot be made or written says what to do', async (t) => {
    const home = folder(t, { file: '' });
    const state = { qpuId: 'q', jwtKeyId: 'k', jwtPrivateKey: KEY };
    await assert.rejects(
      writeState(join(home, 'file'), state),
      /ConfigError: the state directory .*file cannot be made/,
    );
    chmodSync(home, 0o555);
    await assert.rejects(
      asNobody(() => writeState(join(home, 'new'), state)),
      /ConfigError: [^]*must be able to write to[^]*CODA_STATE_DIR/,
    );
    await assert.rejects(
      asNobody(() => writeState(home, state)),
      /ConfigError: .*coda-private-key cannot be written/,
    );
    chmodSync(home, 0o755);
  });
});
