// Installed Python packages that offer an executor are found by convention, without importing all the others.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../../support/temporary.ts';
import { HostClient } from './host-client.ts';
import { NO_PYTHON, shimWorlds } from './host-pythons.ts';

const FACTORY = 'def create_executor():\n    raise AssertionError("not called")\n';

/** Packages as pip leaves them: their files, and how their names are told. */
const FILES: Readonly<Record<string, string>> = {
  'good_qpu/__init__.py': '',
  'good_qpu/executor_factory.py': FACTORY,
  'good_qpu-1.0.dist-info/METADATA': 'Name: good-qpu\nVersion: 1.0\n',
  'good_qpu-1.0.dist-info/top_level.txt': 'good_qpu\n_private\n',
  'listed_qpu/__init__.py': '',
  'listed_qpu/executor_factory/__init__.py': FACTORY.replace('()', '(settings)'),
  'listed_qpu-2.0.dist-info/METADATA': 'Name: listed-qpu\nVersion: 2.0\n',
  'listed_qpu-2.0.dist-info/RECORD': 'listed_qpu/__init__.py,,\nlisted_qpu-2.0.dist-info/METADATA,,\n',
  'broken_qpu/__init__.py': '',
  'broken_qpu/executor_factory.py': 'import no_such_sdk\n',
  'broken_qpu-1.0.dist-info/METADATA': 'Name: broken-qpu\nVersion: 1.0\n',
  'broken_qpu-1.0.dist-info/top_level.txt': 'broken_qpu\n',
  'other/__init__.py': 'raise SystemExit("imported although it has no executor")\n',
  'other-1.0.dist-info/METADATA': 'Name: other\nVersion: 1.0\n',
  'other-1.0.dist-info/top_level.txt': 'other\n',
  'not_installed/__init__.py': '',
  'not_installed/executor_factory.py': FACTORY,
};

const worlds = shimWorlds();
if (worlds.length === 0) it('finds executors', { skip: NO_PYTHON });

for (const { name, python } of worlds) {
  describe(`discovery with ${name}`, () => {
    it('names the factories of installed packages, and those that cannot be imported', async (t) => {
      const folder = await temporaryFolder(t);
      for (const [path, content] of Object.entries(FILES)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), content);
      }
      // The working directory of a driver may hide modules of Python's own; what the host needs is not hidden.
      const cwd = await temporaryFolder(t);
      for (const module of ['csv', 'email', 'zipfile'])
        writeFileSync(join(cwd, `${module}.py`), 'raise OSError()\n');
      const host = new HostClient(t, python, { cwd, env: { PYTHONPATH: folder } });
      host.control({ t: 'discover' });
      const { factories, failed } = await host.answer('discovered');
      assert.deepEqual(factories, [
        { factory: 'good_qpu.executor_factory:create_executor', settings: false },
        { factory: 'listed_qpu.executor_factory:create_executor', settings: true },
      ]);
      assert.match(JSON.stringify(failed), /^\[\{"module":"broken_qpu.executor_factory".*no_such_sdk/);
      assert.equal(Array.isArray(failed) && failed.length, 1);
    });

    it('uses a folder named coda_node only if there is code in it', async (t) => {
      const folder = await temporaryFolder(t);
      mkdirSync(join(folder, 'coda_node'));
      const driver = 'from coda_node.server.executor import NoopExecutor\nmake = NoopExecutor\n';
      writeFileSync(join(folder, 'driver.py'), driver);
      const ready = await new HostClient(t, python, { cwd: folder }).start('driver:make');
      assert.equal(ready['coda_node'], 'shim');
      // One that is there and broken is named in the log, and the shim takes its place.
      writeFileSync(join(folder, 'coda_node', '__init__.py'), 'import no_such_dependency\n');
      const host = new HostClient(t, python, { cwd: folder });
      assert.equal((await host.start('driver:make'))['coda_node'], 'shim');
      assert.match(host.output, /WARNING coda: the installed package coda-node cannot be imported/);
    });
  });
}
