// What `coda config` shows, and that neither it nor the log shows a secret.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { SETTING_NAMES, type SettingName } from '../../src/config/settings.ts';
import { describeConfig, renderConfig } from '../../src/config/show.ts';
import { createLogger } from '../../src/log.ts';
import { folder, KEY, putPythonState } from './folder.ts';
import { load, modules } from './loading.ts';

describe('the shown configuration', () => {
  const env = {
    CODA_NODE_TOKEN: 'token-hunter2',
    CODA_JWT_PRIVATE_KEY: KEY,
    CODA_REDIS_URL: 'rediss://node:redis-hunter2@redis.example.org:6380/0',
    CODA_NODE_CONNECT_HEADERS: '{"X-Key":"header-hunter2"}',
    CODA_WEBAPP_URL: 'https://user:web-hunter2@coda.example.org/',
    CODA_VPN_PROBE_TARGETS: '["https://user:probe-hunter2@vpn.example.org/"]',
  };

  it('has a row for every setting, with its source, and hides every secret', async (t) => {
    const rows = describeConfig(await load({ cwd: folder(t), env }));
    assert.deepEqual(
      rows.map(({ name }) => name),
      SETTING_NAMES,
    );
    const value = (name: SettingName): unknown => rows.find((row) => row.name === name)?.value;
    assert.equal(value('nodeToken'), '***');
    assert.equal(value('jwtPrivateKey'), '***');
    assert.equal(value('redisUrl'), 'rediss://node:***@redis.example.org:6380/0');
    assert.deepEqual(value('nodeConnectHeaders'), { 'X-Key': '***' });
    assert.equal(value('webappUrl'), 'https://user:***@coda.example.org/');
    assert.deepEqual(value('vpnProbeTargets'), ['https://user:***@vpn.example.org/']);
    for (const shown of [JSON.stringify(rows), renderConfig(rows).join('\n')])
      assert.doesNotMatch(shown, /hunter2|MIIE/);
    const table = renderConfig(rows);
    assert.equal(table.length, SETTING_NAMES.length + 1);
    assert.match(String(table[1]), /^nodeToken +\*\*\* +environment: CODA_NODE_TOKEN$/);
    assert.match(table.join('\n'), /^qpuId +- +default$/m);
  });

  it('says what an executor is that is code', async (t) => {
    const cwd = folder(t, { 'coda.config.ts': 'export default { executor: () => 0 };' });
    const row = describeConfig(await load({ cwd })).find(({ name }) => name === 'executorFactory');
    assert.equal(row?.value, '(a function)');
    assert.equal(row?.source, 'config file');
  });

  it('goes with a log that knows the secrets, those of the state directory too', async (t) => {
    const lines: string[] = [];
    const log = createLogger({ write: (line) => lines.push(line) });
    const cwd = folder(t);
    putPythonState(join(cwd, 'state'));
    const { settings, state } = await loadConfig({
      env: { CODA_STATE_DIR: 'state', ...env },
      cwd,
      builtinPlugins: [],
      modules,
      log,
    });
    log.info(`a ${settings.nodeToken} b ${new URL(settings.redisUrl).password} c`, { settings, state });
    log.info(`${state?.redisUrl} ${state?.jwtPrivateKey}`);
    assert.equal(lines.length, 2);
    for (const line of lines) assert.doesNotMatch(line, /hunter2|MIIE/);
  });
});
