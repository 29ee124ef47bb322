// How an executor in Python is named, found and refused: the built program with real interpreters.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bell } from '../../../src/testing/index.ts';
import { bench, cloud } from '../../cli/workbench.ts';
import { NO_PYTHON, nothingIsLeft, put, PYTHON, RIG, rigEnv } from './drivers.ts';

const NO_OPTION = { CODA_EXECUTOR_FACTORY: 'rig:create_executor' };

/** A virtual environment without pip, which is quick. */
function environment(name: string): string {
  const { status, stderr } = spawnSync(PYTHON ?? '', [
    '-m',
    'venv',
    '--without-pip',
    join(bench.folder, name),
  ]);
  assert.equal(status, 0, stderr.toString());
  return join(bench.folder, name);
}

/** Puts a package into an environment, as pip does. */
function install(venv: string, name: string, factory: string): void {
  const [major, minor] = (
    spawnSync(PYTHON ?? '', ['-V'], { encoding: 'utf8' }).stdout.match(/\d+/g) ?? []
  ).map(Number);
  const place = join(venv.slice(bench.folder.length + 1), 'lib', `python${major}.${minor}`, 'site-packages');
  put(bench, join(place, name, '__init__.py'), '');
  put(bench, join(place, name, 'executor_factory.py'), factory);
  put(
    bench,
    join(place, `${name}-1.0.dist-info`, 'METADATA'),
    `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`,
  );
  put(bench, join(place, `${name}-1.0.dist-info`, 'top_level.txt'), `${name}\n`);
}

const runs = (env: Readonly<Record<string, string>> = {}, code = 0): Promise<string> => {
  put(bench, 'bell.json', JSON.stringify(bell('cz').ir));
  return bench.ends(code, ['run', 'bell.json'], env);
};

describe('an executor in Python', { skip: NO_PYTHON }, () => {
  const forms: readonly (readonly [string, () => Record<string, string>])[] = [
    ['a variable', () => rigEnv()],
    [
      'the device YAML',
      () => {
        put(bench, 'site/device.yaml', 'executor_factory: rig:create_executor\n');
        return { CODA_PYTHON: PYTHON ?? '' };
      },
    ],
    [
      'a config file in TypeScript',
      () => {
        const choice = `python('rig:create_executor', { interpreter: ${JSON.stringify(PYTHON)} })`;
        const text = `import { defineConfig, python } from 'coda-node';\nexport default defineConfig({ executor: ${choice} });\n`;
        put(bench, 'coda.config.ts', text);
        return {};
      },
    ],
    [
      'a config file in JSON',
      () => {
        const executor = { python: 'rig:create_executor', interpreter: PYTHON };
        put(bench, 'coda.config.json', JSON.stringify({ executor }));
        return {};
      },
    ],
    [
      'a string in a config file, with the interpreter as an option of the plugin',
      () => {
        const plugins = [['python', { interpreter: PYTHON }]];
        put(bench, 'coda.config.json', JSON.stringify({ executor: 'rig:create_executor', plugins }));
        return {};
      },
    ],
  ];
  for (const [what, arrange] of forms) {
    it(`is named in ${what}`, async () => {
      put(bench, 'rig.py', RIG);
      const output = await runs(arrange());
      assert.match(output, /rig:create_executor: 1000 shots/);
      assert.match(output, /executor rig\.Rig, in Python 3\.\d+\.\d+ at /);
      await nothingIsLeft(bench);
    });
  }

  it('is taken for a dotted module that no JavaScript package answers to, and the log says so', async () => {
    put(bench, 'lab/__init__.py', '');
    put(bench, 'lab/rig.py', RIG);
    const output = await runs(rigEnv('lab.rig:create_executor'));
    assert.match(output, /no JavaScript module is named 'lab\.rig', so it is taken as the Python module/);
    assert.match(output, /1000 shots/);
  });

  it('gives way to a JavaScript package of the same name', async () => {
    put(bench, 'rig.py', RIG);
    const run = 'run: () => ({ counts: { "00": 5 }, executionTimeMs: 1, shotsCompleted: 5 })';
    put(bench, 'node_modules/rig/index.js', `exports.create_executor = () => ({ ${run} });`);
    assert.match(await runs(rigEnv()), /rig:create_executor: 5 shots/);
  });

  it('uses the active environment before the nearest one, and that before python3', async () => {
    put(bench, 'rig.py', RIG);
    const dotted = environment('.venv');
    const active = environment('active');
    assert.match(await runs(NO_OPTION), new RegExp(`${dotted}/bin/python \\(the nearest .venv\\)`));
    assert.match(
      await runs({ ...NO_OPTION, VIRTUAL_ENV: active }),
      new RegExp(`${active}/bin/python \\(VIRTUAL_ENV\\)`),
    );
    assert.match(await runs({ ...NO_OPTION, CODA_PYTHON: '.venv' }), /\.venv\/bin\/python \(CODA_PYTHON\)/);
  });

  it('is shown by doctor with its interpreter, its version, and whether it imports', async () => {
    put(bench, 'rig.py', RIG);
    const good = await bench.run(['doctor'], rigEnv());
    assert.match(good.output, /ok +executor +Python 3\.\d+\.\d+ at \S+ \(CODA_PYTHON\) imports rig/);
    put(bench, 'rig.py', 'import no_such_library\n');
    const bad = await bench.run(['doctor'], rigEnv());
    assert.match(
      bad.output,
      /rig\.py:1: ModuleNotFoundError: No module named 'no_such_library'; in Python 3/,
    );
    assert.match(
      bad.output,
      /-m pip install no_such_library +or +uv pip install --python \S+ no_such_library/,
    );
  });

  const refused: readonly (readonly [string, Record<string, string>, string | undefined, RegExp])[] = [
    [
      'a module that is nowhere',
      rigEnv('no_lab.rig:create'),
      RIG,
      /no module 'no_lab\.rig' as seen from .*; nor does Python 3.* find one\n.*-m pip install no_lab/s,
    ],
    [
      'an attribute that is not there',
      rigEnv('rig:create_exeutor'),
      RIG,
      /no attribute 'create_exeutor'.*rig\.py has create_executor/s,
    ],
    [
      'a module that throws',
      rigEnv(),
      'x = 1\nraise RuntimeError("no laser")\n',
      /cannot be loaded: \S+rig\.py:2: RuntimeError: no laser/,
    ],
    ['a syntax error', rigEnv(), 'def x(:\n', /SyntaxError: /],
    ['a module that ends the process', rigEnv(), 'import os\nos._exit(4)\n', /ended with exit code 4/],
    [
      'a factory that throws',
      rigEnv(),
      'def create_executor(settings):\n    raise OSError("no device")\n',
      /cannot be made: its factory threw: \S+rig\.py:2: OSError: no device/,
    ],
    [
      'what is no executor',
      rigEnv(),
      'def create_executor():\n    return 5\n',
      /returned 5, which has no run/,
    ],
    [
      'a path to a file',
      rigEnv('./rig.py:create_executor'),
      RIG,
      /Write rig:create_executor, and start the node in the folder/,
    ],
    [
      'an interpreter that is not there',
      { ...rigEnv(), CODA_PYTHON: '/no/python' },
      RIG,
      /interpreter \/no\/python \(CODA_PYTHON\) is not there/,
    ],
    [
      'an interpreter that is no Python',
      { ...rigEnv(), CODA_PYTHON: '/bin/false' },
      RIG,
      /\/bin\/false \(CODA_PYTHON\) ended with exit code 1/,
    ],
  ];
  for (const [what, env, text, expected] of refused) {
    it(`is refused with the cause and what to do: ${what}`, async () => {
      put(bench, 'rig.py', text ?? '');
      assert.match(await runs(env, 1), expected);
      await nothingIsLeft(bench);
    });
  }

  it('that cannot be imported costs no token', async () => {
    put(bench, 'rig.py', 'raise RuntimeError("no laser")\n');
    const connects = cloud.connects.length;
    const output = await bench.ends(1, ['start'], { ...rigEnv(), CODA_NODE_TOKEN: cloud.issueToken() });
    assert.match(output, /no laser/);
    assert.equal(cloud.connects.length, connects);
  });

  for (const version of ['2.7', '3.6', '3.8']) {
    const versions = join(homedir(), '.pyenv', 'versions');
    const found = spawnSync('sh', ['-c', `ls -d ${versions}/${version}.*/bin/python`], { encoding: 'utf8' });
    const old = found.stdout.trim().split('\n')[0] ?? '';
    it(
      `says that Python ${version} is too old`,
      { skip: existsSync(old) ? false : 'it is not here' },
      async () => {
        put(bench, 'rig.py', RIG);
        const output = await runs({ ...rigEnv(), CODA_PYTHON: old }, 1);
        assert.match(
          output,
          new RegExp(`Python ${version}\\.\\d+ at \\S+ \\(CODA_PYTHON\\) is too old: Python 3.9`),
        );
      },
    );
  }
});

describe('with no executor named', { skip: NO_PYTHON }, () => {
  const FACTORY = RIG.replace('HERE, "notes"', '"/dev/null"');

  it('the one that the active environment offers is used', async () => {
    const venv = environment('active');
    install(venv, 'my_qpu', FACTORY);
    assert.match(await runs({ VIRTUAL_ENV: venv }), /my_qpu\.executor_factory:create_executor: 1000 shots/);
    await nothingIsLeft(bench);
  });

  it('an environment that is only nearby is not asked', async () => {
    install(environment('.venv'), 'my_qpu', FACTORY);
    assert.match(await runs(), /NO EXECUTOR/);
  });

  it('none is chosen of several, JavaScript and Python together', async () => {
    const venv = environment('active');
    install(venv, 'my_qpu', FACTORY);
    const manifest = { name: 'rig-js', exports: { './executor-factory': './factory.js' } };
    put(bench, 'node_modules/rig-js/package.json', JSON.stringify(manifest));
    put(bench, 'node_modules/rig-js/factory.js', 'exports.createExecutor = () => ({ run() {} });');
    const output = await runs({ VIRTUAL_ENV: venv });
    assert.match(
      output,
      /2 packages provide an executor, and none is chosen: rig-js\/executor-factory, my_qpu\.executor_factory/,
    );
  });

  it('the only one that cannot be imported is an error, not a reason for zeros', async () => {
    const venv = environment('active');
    install(venv, 'my_qpu', 'raise RuntimeError("no laser")\n');
    assert.match(
      await runs({ VIRTUAL_ENV: venv }, 1),
      /Python package my_qpu\.executor_factory cannot be loaded: RuntimeError: no laser/,
    );
  });
});

describe('code of strangers', { skip: NO_PYTHON || (process.geteuid?.() !== 0 && 'it needs root') }, () => {
  it('is not run: an interpreter, or a working directory, that belongs to another user', async () => {
    put(bench, 'rig.py', RIG);
    mkdirSync(join(bench.folder, 'stranger', 'bin'), { recursive: true });
    symlinkSync(PYTHON ?? '', join(bench.folder, 'stranger', 'bin', 'python'));
    spawnSync('chown', ['-R', 'nobody', join(bench.folder, 'stranger')]);
    assert.match(
      await runs({ ...rigEnv(), CODA_PYTHON: './stranger' }, 1),
      /the Python interpreter .* is not used: .* belongs to user nobody/,
    );
    spawnSync('chown', ['nobody', bench.folder]);
    assert.match(await runs(rigEnv(), 1), /the working directory .* is not used: it belongs to user nobody/);
  });
});
