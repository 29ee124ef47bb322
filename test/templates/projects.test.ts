// The way of a newcomer: a project is made, checked, tested, and run until the counts of a circuit are there.
// What is installed is linked here; `npm run test:templates` installs it, with each package manager.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { givesCounts } from './counts.ts';
import { packed, type Packed } from './packed.ts';

const VENV = resolve('dist', 'test-python');
const hasPytest = spawnSync(join(VENV, 'bin', 'python'), ['-c', 'import pytest, yaml']).status === 0;
const noPytest = hasPytest
  ? false
  : 'pytest and PyYAML are not installed in dist/test-python (node .ci/setup.mjs --python needs the network)';

let place: Packed;
before(() => {
  place = packed();
});
after(() => rmSync(place.folder, { recursive: true, force: true }));

describe('a new project', () => {
  it('in TypeScript has its types, its lint and its tests right, and gives counts', async () => {
    const folder = made('ts', '--language', 'typescript', '--target', 'cz', '--qubits', '5', '--batch');
    run(folder, 'npm', 'run', 'typecheck');
    run(folder, 'npm', 'run', 'lint');
    const report = run(folder, 'npm', 'test');
    assert.match(report, /ok \d+ - batch-order[^]*# fail 0/);
    await givesCounts(folder, place.coda, environment(folder));
    // Packed and installed elsewhere, it is found without being named.
    run(folder, 'npm', 'pack', '--silent', '--pack-destination', place.folder);
    const installed = join(place.folder, 'site-of-another', 'node_modules', 'ts');
    mkdirSync(installed, { recursive: true });
    const tarball = join(place.folder, 'ts-0.1.0.tgz');
    run(installed, 'tar', '-xzf', tarball, '-C', installed, '--strip-components=1');
    assert.deepEqual(readdirSync(installed).toSorted(), ['README.md', 'dist', 'package.json']);
    cpSync(join(folder, 'site'), join(place.folder, 'site-of-another', 'site'), { recursive: true });
    const elsewhere = join(place.folder, 'site-of-another');
    assert.match(
      run(elsewhere, process.execPath, place.coda, 'run', join(folder, 'circuits', 'bell.json')),
      /ts\/executor-factory[^]*00[^]*11|00[^]*11/,
    );
  });

  it('in JavaScript too', async () => {
    const folder = made('js', '--language', 'javascript', '--target', 'cnot', '--qubits', '2');
    run(folder, 'npm', 'run', 'typecheck');
    run(folder, 'npm', 'run', 'lint');
    // The long checks are the same as in TypeScript.
    run(folder, 'node', '--test', '--test-name-pattern=physics|result|refuses', 'test/executor.test.js');
    // As the device that was asked for, not as the default one.
    assert.match(run(folder, 'npm', 'run', 'check'), /a device of 2 qubits with the native gates cnot/);
    await givesCounts(folder, place.coda, environment(folder));
  });

  it('in Python too', { skip: noPytest }, async () => {
    const folder = made('py', '--language', 'python', '--target', 'pcz', '--qubits', '4', '--batch');
    const report = run(folder, 'npm', 'test');
    assert.match(report, /4 passed[^]*ok +batch-order[^]* 0 failed/);
    await givesCounts(folder, place.coda, environment(folder));
  });

  it('of a plugin too', async () => {
    const folder = made('fridge-log', '--plugin', '--example', 'job-log');
    run(folder, 'npm', 'run', 'typecheck');
    run(folder, 'npm', 'run', 'lint');
    assert.match(run(folder, 'npm', 'test'), /# fail 0/);
    run(folder, 'npm', 'run', 'dev', '--', '--once');
    assert.match(readFileSync(join(folder, 'jobs.jsonl'), 'utf8'), /"event":"ran"[^]*"event":"delivered"/);
  });
});

function made(name: string, ...args: readonly string[]): string {
  run(place.folder, process.execPath, place.create, name, ...args);
  return join(place.folder, name);
}

/** What it says; throws if it fails. */
function run(cwd: string, command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: environment(cwd),
  });
  assert.equal(status, 0, `${command} ${args.join(' ')} in ${cwd}\n${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

function environment(cwd: string): Record<string, string> {
  const path = [join(VENV, 'bin'), process.env['PATH'] ?? ''].join(delimiter);
  return { PATH: path, HOME: cwd, TMPDIR: place.folder, VIRTUAL_ENV: VENV, npm_config_offline: 'true' };
}
