// `npm run test:templates`: a newcomer's way with each package manager, and all that they download. From an empty folder with
// the two tarballs: make a project, do what it says comes next, check it, and see the counts of a circuit.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Told } from './creator.ts';
import { givesCounts } from './counts.ts';

const KINDS: Readonly<Record<string, readonly string[]>> = {
  typescript: ['--language', 'typescript', '--target', 'cz', '--qubits', '5', '--batch'],
  javascript: ['--language', 'javascript', '--target', 'iswap', '--qubits', '13'],
  python: ['--language', 'python', '--target', 'pcz', '--qubits', '3'],
  plugin: ['--plugin', '--example', 'calibration'],
};
/** The package and the file in it, and what the package manager says of itself. */
const MANAGERS = {
  npm: { agent: 'npm/11.0.0', install: '', file: '' },
  pnpm: { agent: 'pnpm/12.21.0', install: 'pnpm@12.21.0', file: '' },
  yarn: { agent: 'yarn/1.22.22', install: 'yarn@1.22.22', file: '' },
  bun: { agent: 'bun/1.4.5', install: 'bun@1.4.5', file: '' },
  berry: { agent: 'yarn/4.0.0', install: '@yarnpkg/cli-dist', file: 'node_modules/@yarnpkg/cli-dist/bin' },
} as const;

const words = process.argv.slice(2);
const root = realpathSync(mkdtempSync(join(tmpdir(), 'coda-matrix-')));
let failed = 0;
let passed = 0;
process.on('exit', () => rmSync(root, { recursive: true, force: true }));

execFileSync('npm', ['pack', '.', './templates', '--ignore-scripts', '--silent', '--pack-destination', root]);
const [creator = '', node = ''] = ['create-coda-executor', 'coda-node'].map((name) => tarball(name));

for (const [manager, { agent, install, file }] of Object.entries(MANAGERS)) {
  const tools = join(root, 'tools', manager);
  const kinds = Object.keys(KINDS).filter((kind) =>
    words.every((word) => `${manager} ${kind}`.includes(word)),
  );
  if (kinds.length === 0) continue;
  if (install !== '') {
    mkdirSync(tools, { recursive: true });
    run(tools, 'npm', ['install', '--no-audit', '--no-fund', '--prefix', tools, install]);
  }
  // It is meant to be a program, and is not one in its package.
  if (file !== '') chmodSync(join(tools, file, 'yarn'), 0o755);
  const bin = file === '' ? join(tools, 'node_modules', '.bin') : join(tools, file);
  for (const kind of kinds) await way(manager, kind, bin, agent);
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

async function way(manager: string, kind: string, bin: string, agent: string): Promise<void> {
  const begin = performance.now();
  const folder = join(root, `${manager}-${kind}`);
  mkdirSync(folder);
  const env = { PATH: [bin, process.env['PATH'] ?? ''].join(delimiter), npm_config_user_agent: agent };
  try {
    const args = ['my-project', ...(KINDS[kind] ?? []), '--coda-node', node, '--json'];
    // As npm itself would call it, the variable would be npm's own.
    const { next } = JSON.parse(run(folder, process.execPath, [creatorProgram(), ...args], env)) as Told;
    const name = manager === 'berry' ? 'yarn' : manager;
    const checks = kind === 'python' ? [] : [`${name} run typecheck`, `${name} run lint`];
    const steps = next.filter((step) => !step.endsWith('run dev'));
    run(folder, 'bash', ['-ec', [...steps, ...checks].join('\n')], env);
    const project = join(folder, 'my-project');
    const coda = realpathSync(join(project, 'node_modules', 'coda-node', 'dist', 'bundle', 'coda.cjs'));
    if (existsSync(join(project, 'circuits'))) await givesCounts(project, coda, { ...env, TMPDIR: folder });
    else run(project, process.execPath, [coda, 'dev', '--once'], env);
    passed += 1;
    process.stdout.write(`ok      ${manager} ${kind}, ${Math.round((performance.now() - begin) / 1000)} s\n`);
  } catch (thrown) {
    failed += 1;
    process.stdout.write(
      `FAILED  ${manager} ${kind}\n${thrown instanceof Error ? thrown.message : String(thrown)}\n`,
    );
  }
}

/** Installed from its tarball once, by npm. */
function creatorProgram(): string {
  const folder = join(root, 'creator');
  if (!existsSync(folder)) {
    mkdirSync(folder);
    run(folder, 'npm', ['install', '--no-audit', '--no-fund', '--offline', '--prefix', folder, creator]);
  }
  return join(folder, 'node_modules', 'create-coda-executor', 'dist', 'create.js');
}

function tarball(name: string): string {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  return join(root, `${name}-${version}.tgz`);
}

/** What it says; throws if it fails. */
function run(cwd: string, command: string, args: readonly string[], env: object = {}): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  assert.equal(
    status,
    0,
    `${command} ${args.join(' ')} in ${cwd}\n${stdout.slice(-3000)}${stderr.slice(-3000)}`,
  );
  return stdout;
}
