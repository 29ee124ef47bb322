// YAML and JSON as people write them: merge keys, and keys that are there twice.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfigFile } from '../../src/config/config-file.ts';
import { folder } from './folder.ts';
import { fieldOf, loadFile, modules } from './loading.ts';

describe('a config file in YAML or JSON', () => {
  it('may use merge keys', async (t) => {
    const cwd = folder(t, {
      'coda.config.yaml': 'plugins:\n  - [vpn, &v { required: false }]\n  - [vpn, { <<: *v, auto: false }]\n',
    });
    assert.deepEqual(fieldOf(await loadFile(cwd), 'plugins'), [
      ['vpn', { required: false }],
      ['vpn', { required: false, auto: false }],
    ]);
  });

  it('has keys that are there twice named, and the last one counts', async (t) => {
    for (const [name, text, expected] of [
      [
        'coda.config.yaml',
        'concurrency: 2\nprefetch: 3\nconcurrency: 4\n',
        /the key concurrency is there twice.*yaml:3:1; the last/,
      ],
      [
        'coda.config.json',
        '{ "concurrency": 2, "prefetch": 3,\n\t"concurrency": 4 }',
        /the key concurrency.*json:2:\d/,
      ],
      [
        'coda.config.yml',
        'concurrency: 4\nprefetch: 3\n"hunter 2": 1\n"hunter 2": 1\n',
        /a key \(not shown\).*yml:4:1/,
      ],
    ] as const) {
      const { file, warnings } = await loadConfigFile(modules, folder(t, { [name]: text }));
      assert.equal(fieldOf(file, 'concurrency'), 4);
      assert.equal(warnings.length, 1, name);
      assert.match(warnings[0] ?? '', expected);
    }
  });
});
