// Which Python environment is taken: of uv, of conda, and the nearest one. The built program, real interpreters, a real uv.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { bell } from '../../../src/testing/index.ts';
import { coda } from '../../cli/process.ts';
import { bench } from '../../cli/workbench.ts';
import { NO_PYTHON, put, PYTHON, RIG } from './drivers.ts';
import { findUv, NO_UV } from './host-pythons.ts';

const RIG_ENV = { CODA_EXECUTOR_FACTORY: 'rig:create_executor' };

/** A virtual environment, at once: without pip, and without a start of Python. */
function environment(name: string): string {
  const folder = join(bench.folder, name);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  symlinkSync(PYTHON ?? '', join(folder, 'bin', 'python'));
  put(bench, join(name, 'pyvenv.cfg'), `home = ${dirname(PYTHON ?? '')}\n`);
  return folder;
}

/** As conda leaves it: a Python with its libraries, and no `pyvenv.cfg`. */
function condaEnvironment(name: string): string {
  const folder = join(bench.folder, name);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  symlinkSync(PYTHON ?? '', join(folder, 'bin', 'python3.11'));
  for (const link of ['python3', 'python']) symlinkSync('python3.11', join(folder, 'bin', link));
  put(bench, join(name, 'conda-meta', 'history'), '');
  return folder;
}

/** The interpreter that `coda run` takes in a folder of the bench, and why. */
async function taken(
  env: Readonly<Record<string, string>>,
  { folder = '.', under = [] }: { readonly folder?: string; readonly under?: readonly string[] } = {},
): Promise<string> {
  put(bench, join(folder, 'rig.py'), RIG);
  put(bench, join(folder, 'bell.json'), JSON.stringify(bell('cz').ir));
  const { output, ended } = coda(['run', 'bell.json'], {
    cwd: join(bench.folder, folder),
    under,
    env: { CODA_STATE_DIR: bench.stateDir, HOME: bench.folder, ...RIG_ENV, ...env },
  });
  assert.equal(await ended, 0, output());
  assert.match(output(), /1000 shots/);
  const [, path = '', why = ''] = /in Python 3\.\d+\.\d+ at (\S+) \((.+?)\), with/.exec(output()) ?? [];
  return `${path.replace(`${bench.folder}/`, '')}: ${why}`;
}

describe('the Python environment', { skip: NO_PYTHON }, () => {
  it('is the nearest .venv, from the working directory upwards', async () => {
    environment('.venv');
    assert.equal(await taken({}, { folder: 'lab/fridge/rig' }), '.venv/bin/python: the nearest .venv');
    environment('lab/.venv');
    assert.equal(await taken({}, { folder: 'lab/fridge/rig' }), 'lab/.venv/bin/python: the nearest .venv');
    // One without an interpreter is none.
    mkdirSync(join(bench.folder, 'lab/fridge/.venv'));
    assert.equal(await taken({}, { folder: 'lab/fridge/rig' }), 'lab/.venv/bin/python: the nearest .venv');
  });

  it('is the active one of conda, if no virtual environment is nearer', async () => {
    const env = { CONDA_PREFIX: condaEnvironment('conda/envs/qpu'), CONDA_DEFAULT_ENV: 'qpu' };
    assert.equal(await taken(env), 'conda/envs/qpu/bin/python: CONDA_PREFIX');
    const active = environment('active');
    assert.equal(await taken({ ...env, VIRTUAL_ENV: active }), 'active/bin/python: VIRTUAL_ENV');
    // conda has its base environment active in every shell.
    environment('.venv');
    assert.equal(await taken(env), '.venv/bin/python: the nearest .venv');
  });

  it('is that of the uv project, whose folder UV_PROJECT_ENVIRONMENT names from the root of the project', async () => {
    environment('lab/.venv');
    environment('lab/envs/qpu');
    const env = { UV_PROJECT_ENVIRONMENT: 'envs/qpu' };
    for (const folder of ['lab', 'lab/fridge']) {
      assert.equal(await taken(env, { folder }), 'lab/envs/qpu/bin/python: UV_PROJECT_ENVIRONMENT');
    }
    assert.equal(
      await taken({ UV_PROJECT_ENVIRONMENT: join(bench.folder, 'lab/envs/qpu') }),
      'lab/envs/qpu/bin/python: UV_PROJECT_ENVIRONMENT',
    );
    // uv makes it with the first command: until then there is only the other one.
    assert.equal(
      await taken({ UV_PROJECT_ENVIRONMENT: 'nowhere' }, { folder: 'lab' }),
      'lab/.venv/bin/python: the nearest .venv',
    );
  });
});

const uv = findUv();
describe('uv', { skip: NO_PYTHON || (uv === undefined && NO_UV) }, () => {
  const PROJECT = '[project]\nname = "lab"\nversion = "1"\nrequires-python = ">=3.9"\n';
  const offline = { UV_OFFLINE: '1', UV_PYTHON: PYTHON ?? '', UV_PYTHON_DOWNLOADS: 'never' };

  it('runs the node in the environment of its project, .venv or another one', async () => {
    put(bench, 'pyproject.toml', PROJECT);
    const under = [uv ?? '', 'run', '--quiet'];
    assert.equal(await taken(offline, { under }), '.venv/bin/python: VIRTUAL_ENV');
    const elsewhere = { ...offline, UV_PROJECT_ENVIRONMENT: 'envs/qpu' };
    assert.equal(await taken(elsewhere, { under, folder: 'deep' }), 'envs/qpu/bin/python: VIRTUAL_ENV');
    // Without `uv run` it is found too.
    assert.equal(await taken({}), '.venv/bin/python: the nearest .venv');
    assert.equal(await taken(elsewhere, { folder: 'deep' }), 'envs/qpu/bin/python: UV_PROJECT_ENVIRONMENT');
  });

  it('makes the environment whose packages are searched if no executor is named', async () => {
    put(bench, 'pyproject.toml', PROJECT);
    // A wheel, as uv installs it: no network, no build.
    const site = spawnSync(
      uv ?? '',
      ['run', '--quiet', 'python', '-c', 'import site; print(site.getsitepackages()[0])'],
      {
        cwd: bench.folder,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], HOME: bench.folder, ...offline },
      },
    );
    assert.equal(site.status, 0, site.stderr);
    const place = site.stdout.trim().slice(bench.folder.length + 1);
    put(bench, join(place, 'my_qpu/__init__.py'), '');
    put(bench, join(place, 'my_qpu/executor_factory.py'), RIG.replace('HERE, "notes"', '"/dev/null"'));
    put(
      bench,
      join(place, 'my_qpu-1.0.dist-info/METADATA'),
      'Metadata-Version: 2.1\nName: my_qpu\nVersion: 1.0\n',
    );
    put(
      bench,
      join(place, 'my_qpu-1.0.dist-info/RECORD'),
      'my_qpu/__init__.py,,\nmy_qpu/executor_factory.py,,\n',
    );
    const under = [uv ?? '', 'run', '--quiet', '--no-sync'];
    assert.equal(
      await taken({ ...offline, CODA_EXECUTOR_FACTORY: '' }, { under }),
      '.venv/bin/python: VIRTUAL_ENV',
    );
  });
});
