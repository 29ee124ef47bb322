import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readEnvironment, readFlags } from '../../src/config/environment.ts';
import { SETTING_NAMES, settingOf } from '../../src/config/settings.ts';
import { ConfigError } from '../../src/errors.ts';

describe('environment variables', () => {
  it('are found in any case, and named as they are spelled', async () => {
    const { layer } = await readEnvironment({ coda_port: '81', Coda_Host: 'a', CODA_LOG_LEVEL: 'warn' }, '/');
    assert.deepEqual(layer.get('port'), { value: 81, source: 'environment', where: 'coda_port' });
    assert.equal(layer.get('host')?.where, 'Coda_Host');
    await assert.rejects(readEnvironment({ coda_port: 'x' }, '/'), /^ConfigError: coda_port is "x"/);
  });

  it('are refused, by name and without the value, if quotes are around it', async () => {
    for (const name of SETTING_NAMES) {
      const { env } = settingOf(name);
      for (const text of ['"hunter2"', "'hunter2'", ` '["hunter2"]' `, '""', "'9000'"]) {
        await assert.rejects(readEnvironment({ [env]: text }, '/'), (thrown: unknown) => {
          assert.ok(thrown instanceof ConfigError);
          assert.match(thrown.message, new RegExp(`^the value of ${env} has quotes around it\\n`));
          assert.doesNotMatch(thrown.message, /hunter|9000/);
          return true;
        });
      }
    }
    const { layer } = await readEnvironment({ CODA_QPU_DISPLAY_NAME: `the "big" one's "twin"` }, '/');
    assert.equal(layer.get('qpuDisplayName')?.value, `the "big" one's "twin"`);
  });

  it('may be set in two spellings only to the same value', async () => {
    const { layer } = await readEnvironment({ coda_port: '81', CODA_PORT: '81' }, '/');
    assert.equal(layer.get('port')?.value, 81);
    await assert.rejects(
      readEnvironment({ coda_node_token: 'hunter2', CODA_NODE_TOKEN: 'hunter3' }, '/'),
      (thrown: unknown) => {
        assert.ok(thrown instanceof ConfigError);
        assert.match(thrown.message, /coda_node_token and CODA_NODE_TOKEN/);
        assert.doesNotMatch(thrown.message, /hunter/);
        return true;
      },
    );
  });

  it('count as unset when blank, also beside another spelling', async () => {
    const env = Object.fromEntries(SETTING_NAMES.map((name) => [settingOf(name).env, ' ']));
    const { layer, warnings } = await readEnvironment({ ...env, coda_port: '81' }, '/');
    assert.deepEqual([...layer.keys()], ['port']);
    assert.deepEqual(warnings, []);
  });

  it('that are unknown are warned about, with the name that was meant', async () => {
    const { layer, warnings } = await readEnvironment(
      { CODA_PROT: 'hunter2', CODA_ZZZZZZZZ: '1', PORT: '9' },
      '/',
    );
    assert.equal(layer.size, 0);
    assert.deepEqual(warnings, [
      'CODA_PROT is no setting of coda-node and is ignored; did you mean "CODA_PORT"?',
      'CODA_ZZZZZZZZ is no setting of coda-node and is ignored',
    ]);
  });

  it('of the test suite are not warned about', async () => {
    const { warnings } = await readEnvironment(
      { CODA_RUN_E2E: '1', CODA_E2E_NODE_TOKEN: 't', CODA_RUN_VPN_E2E: '1' },
      '/',
    );
    assert.deepEqual(warnings, []);
  });
});

describe('flags', () => {
  it('are named in errors as they are typed', () => {
    assert.throws(() => readFlags({ port: 'x' }, '/'), /^ConfigError: --port is "x"/);
    assert.throws(
      () => readFlags({ shutdownDrainTimeoutSec: -1 }, '/'),
      /^ConfigError: --shutdown-drain-timeout-sec is -1/,
    );
    assert.throws(
      () => readFlags({ nodeToken: 'a b' }, '/'),
      /^ConfigError: --token holds a string \(not shown\)/,
    );
  });

  it('come as text or already parsed', () => {
    const layer = readFlags(
      { port: '81', concurrency: 2, nodeToken: 12_345, vpnRequired: false, host: '' },
      '/',
    );
    const values = [...layer].map(([name, { value }]) => [name, value]);
    assert.deepEqual(Object.fromEntries(values), {
      nodeToken: '12345',
      port: 81,
      vpnRequired: false,
      concurrency: 2,
    });
  });
});
