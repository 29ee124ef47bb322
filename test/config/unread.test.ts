// Files that look like a config file under a name that is not read.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadConfigFile } from '../../src/config/config-file.ts';
import { folder } from './folder.ts';
import { modules } from './loading.ts';

describe('what looks like a config file', () => {
  const warningsOf = async (cwd: string, configPath?: string): Promise<readonly string[]> =>
    (await loadConfigFile(modules, cwd, configPath)).warnings;

  for (const name of [
    'coda.config.cts',
    'coda.config.tsx',
    'coda.config.YAML',
    'coda.config.toml',
    'coda.config.json5',
    'Coda.config.ts',
    'coda-config.ts',
    'codaconfig.json',
    '.coda.config.yaml',
    '.codarc',
    '.codarc.json',
    'config/coda.config.ts',
    '.config/coda.config.yaml',
    '.config/codarc',
  ]) {
    it(`but is not read is named: ${name}`, async (t) => {
      const cwd = folder(t, { [name]: 'never read', 'deep/x': '' });
      const [warning = '', ...others] = await warningsOf(cwd);
      assert.ok(warning.startsWith(`${join(cwd, name)} is not read: `), warning);
      assert.match(warning, /coda\.config\.ts.*--config/);
      assert.deepEqual(others, []);
      const beside = folder(t, { [name]: 'never read', 'coda.config.json': '{}' });
      assert.equal((await warningsOf(beside)).length, 1, 'beside a config file, too');
      assert.deepEqual(await warningsOf(beside, 'coda.config.json'), [], 'not if one is named');
    });
  }

  it('is left alone if it was set aside, is ours, or belongs to others', async (t) => {
    const cwd = folder(t, {
      'coda.config': '{}',
      'coda.config.bak': '',
      'coda.config.ts.example': '',
      'coda.config.d.ts': '',
      'barracoda.config.ts': '',
      'codarcade.yaml': '',
      'config/app.yaml': '',
      'package.json': '{}',
      'coda.config.cts/x': '',
    });
    assert.deepEqual(await warningsOf(cwd), []);
  });
});
