// What is odd in a device YAML is named, whoever loads the configuration.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { deviceWarnings } from '../../src/config/device-file.ts';

describe('the device YAML', () => {
  let path = '';
  before(() => (path = join(mkdtempSync(join(tmpdir(), 'coda-device-')), 'device.yaml')));
  after(() => rmSync(join(path, '..'), { recursive: true }));

  const warningsOf = (text: string): Promise<string[]> => {
    writeFileSync(path, text);
    return deviceWarnings(path);
  };

  it('has a key that is there twice named', async () => {
    assert.deepEqual(
      await warningsOf('executor_factory: ./gone.mjs:x\nqubits: 3\nexecutor_factory: noop\n'),
      [`the key executor_factory is there twice in ${path}:3:1; the last one counts`],
    );
  });

  for (const key of [
    'executorFactory',
    'executor-factory',
    'Executor_Factory',
    'EXECUTOR_FACTORY',
    'executor factory',
    'executor_factroy',
    'ExecutorFactry',
  ]) {
    it(`has ${key} named, with the right spelling`, async () => {
      assert.deepEqual(await warningsOf(`${key}: noop\n`), [
        `${key} in the device config ${path} is not read; did you mean executor_factory?`,
      ]);
    });
  }

  it('may have any other keys, and merge keys', async () => {
    const text = 'base: &b { executor_factory: noop }\n<<: *b\nexecutor: 1\nexecutor_queue: 2\nfactory: 3\n';
    assert.deepEqual(await warningsOf(text), []);
  });

  it('says nothing if it is not there or broken: the start does', async () => {
    assert.deepEqual(await warningsOf('a: [1\nb'), []);
    assert.deepEqual(await deviceWarnings(`${path}.gone`), []);
    assert.deepEqual(await deviceWarnings(''), []);
  });
});
