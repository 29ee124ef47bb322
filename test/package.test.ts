// The tarball as a registry would get it: its manifest, and its types in a project that has nothing else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { parse } from 'yaml';
import { installPackage, type InstalledPackage } from '../bench/lab/package.ts';

const TSC = resolve('node_modules', 'typescript', 'bin', 'tsc');

const CIRCUIT = 'OPENQASM 3.0; include "stdgates.inc"; qubit[1] q; bit[1] c; x q[0]; c = measure q;';

/** Reads a circuit, types a plugin and a route, and starts a cloud: something of each entry point. */
const CONSUMER = `import { defineConfig, definePlugin, type Executor } from 'coda-node';
import { SETTING_NAMES } from 'coda-node/kit';
import { parseQasm } from 'coda-node/qasm';
import { bell, startLocalCloud, type LocalCloud } from 'coda-node/testing';

const metrics = definePlugin({
  name: 'metrics',
  apply(node) {
    node.hooks.http.tap('metrics', (router) => {
      router.get('/metrics', (context) => {
        context.body = String(node.jobs.figures().completed);
      });
    });
  },
});
export default defineConfig({ plugins: [metrics] });
export const executor: Executor = {
  run: async (ir, shots) => ({ counts: { ['0'.repeat(ir.measurements.length)]: shots }, executionTimeMs: 1, shotsCompleted: shots }),
};
export const cloud: Promise<LocalCloud> = startLocalCloud();
export const all: readonly unknown[] = [SETTING_NAMES, parseQasm, bell('cz')];
`;

let folder: string;
let installed: InstalledPackage;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'coda-package-'));
  installed = installPackage(folder);
});
after(() => rmSync(folder, { recursive: true, force: true }));

describe('the package', () => {
  it('has a manifest without faults', async () => {
    // The examples are packages of their own, to copy.
    const faults = await faultsOf(installed.folder, false);
    assert.deepEqual(
      faults.filter((fault) => !fault.startsWith('./examples/')),
      [],
    );
  });

  const companion = existsSync('templates') ? false : 'there is none';
  it('has a companion without faults', { skip: companion }, async () => {
    // The projects that it makes are packages of their own.
    const faults = await faultsOf('templates', 'npm');
    assert.deepEqual(
      faults.filter((fault) => !fault.startsWith('./dist/files/')),
      [],
    );
  });

  it('has types for each entry point, in each supported resolution', async () => {
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
    const checked = await checkPackage(createPackageFromTarballData(readFileSync(join(folder, tarball))));
    assert.ok('problems' in checked);
    // Not supported: resolution without `exports`. A CommonJS module gets ES modules, which every supported Node can require.
    const problems = checked.problems.filter(
      (problem) =>
        !('resolutionKind' in problem && ['node10', 'node16-cjs'].includes(problem.resolutionKind)),
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(Object.keys(checked.entrypoints), [
      '.',
      './kit',
      './qasm',
      './testing',
      './package.json',
    ]);
  });

  it('compiles in a project that has no other types, with skipLibCheck off', () => {
    const project = mkdtempSync(join(folder, 'project-'));
    copyDependencies(project);
    cpSync(installed.folder, join(project, 'node_modules', 'coda-node'), { recursive: true });
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(project, 'use.ts'), CONSUMER);
    for (const [moduleResolution, module] of [
      ['node16', 'node16'],
      ['nodenext', 'nodenext'],
      ['bundler', 'esnext'],
    ] as const) {
      const compilerOptions = {
        ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false },
        ...{ target: 'es2023', lib: ['es2023'], types: [], module, moduleResolution },
      };
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
      const { status, stdout } = spawnSync(process.execPath, [TSC, '-p', project, '--pretty', 'false'], {
        encoding: 'utf8',
      });
      assert.equal(status, 0, `${moduleResolution}: ${stdout}`);
    }
  });
});

describe('a release', () => {
  const release = (tag: string) =>
    spawnSync(process.execPath, ['.ci/release.mjs', tag], { encoding: 'utf8' });

  it('has the version and the notes of its tag', () => {
    const { stdout, stderr } = release('v0.1.0');
    assert.equal(stderr, '');
    assert.match(stdout, /^### /);
    const wrong = release('v99.0.0');
    assert.equal(wrong.status, 1);
    assert.match(
      wrong.stderr,
      /the tag is 'v99\.0\.0', but package\.json has version .*\n {2}→ Set it to 99\.0\.0/,
    );
  });

  it('is published after all checks have passed', () => {
    const workflow = parse(readFileSync('.github/workflows/release.yml', 'utf8')) as {
      jobs: Readonly<Record<string, { steps: readonly { run?: string }[] }>>;
    };
    assert.deepEqual(Object.keys(workflow.jobs), ['publish']);
    const runs = workflow.jobs['publish']?.steps.flatMap(({ run = [] }) => run) ?? [];
    assert.equal(runs[0], '.ci/run');
    assert.ok(runs.some((run) => run.includes('npm publish')));
  });
});

describe('the Dockerfile', () => {
  const HADOLINT = join('dist', 'test-hadolint', 'bin', 'hadolint');

  it('passes its linter', { skip: existsSync(HADOLINT) ? false : 'hadolint is not installed' }, () => {
    const { status, stdout } = spawnSync(HADOLINT, ['--no-color', 'Dockerfile'], { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  });

  it('copies all that a node needs', () => {
    // Without an engine: what the last stage copies, laid out beside the installed packages.
    const image = mkdtempSync(join(folder, 'image-'));
    const copies = readFileSync('Dockerfile', 'utf8').matchAll(
      /^COPY --from=build \/build\/(\S+) \.\/(\S*)$/gm,
    );
    for (const [, from = '', to = ''] of copies) {
      if (from === 'node_modules') symlinkSync(resolve(from), join(image, to));
      else cpSync(from, join(image, to === '' ? from : to), { recursive: true });
    }
    const env = {
      PATH: process.env['PATH'],
      HOME: image,
      CODA_STATE_DIR: image,
      CODA_EXECUTOR_FACTORY: 'simulator',
    };
    for (const args of [
      ['docs', 'vpn'],
      ['run', '-', '--shots', '10'],
    ]) {
      const { status, stderr } = spawnSync(
        process.execPath,
        [join(image, 'dist', 'bundle', 'coda.cjs'), ...args],
        { cwd: folder, env, input: CIRCUIT, encoding: 'utf8' },
      );
      assert.equal(status, 0, stderr);
    }
    assert.ok(existsSync(join(image, 'dist', 'python', 'host.py')));
  });
});

async function faultsOf(pkgDir: string, pack: 'npm' | false): Promise<string[]> {
  const { messages, pkg } = await publint({ pkgDir, level: 'suggestion', pack });
  return messages.map((message) => formatMessage(message, pkg ?? {}, { color: false }) ?? message.code);
}

/** All packages that `npm install coda-node` brings, and no others. Copies: of a link, TypeScript would see the packages
 *  beside its target. */
function copyDependencies(project: string): void {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Readonly<Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>>;
  };
  for (const [path, { dev, devOptional }] of Object.entries(packages)) {
    const isWanted =
      path.startsWith('node_modules/') &&
      dev !== true &&
      devOptional !== true &&
      !path.includes('@typescript/');
    if (isWanted && existsSync(path)) cpSync(path, join(project, path), { recursive: true });
  }
}
