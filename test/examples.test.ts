// What authors of plugins get: the examples and docs/plugins.md work with the package as it is installed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { installPackage } from '../bench/lab/package.ts';

const TSC = resolve('node_modules', 'typescript', 'bin', 'tsc');
const EXAMPLES = readdirSync('examples').toSorted();
const GUIDE = join('docs', 'plugins.md');
const TSCONFIG = JSON.stringify({
  compilerOptions: {
    strict: true,
    noEmit: true,
    module: 'nodenext',
    target: 'es2023',
    types: ['node'],
    skipLibCheck: true,
  },
  include: ['*.ts'],
});

let root: string;
before(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'coda-plugins-')));
  const { coda } = installPackage(root);
  const bin = join(root, 'node_modules', '.bin');
  mkdirSync(bin);
  chmodSync(coda, 0o755);
  symlinkSync(coda, join(bin, 'coda'));
  symlinkSync(TSC, join(bin, 'tsc'));
  // What authors install besides; the types of Node.js come with the package.
  symlinkSync(resolve('node_modules', 'typescript'), join(root, 'node_modules', 'typescript'));
});
after(() => rmSync(root, { recursive: true, force: true }));

/** What it says; throws if it fails. */
function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env: environment() });
  assert.equal(status, 0, `${command} ${args.join(' ')} in ${cwd}\n${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

/** Without what the test runner tells its own children. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env;
  return { ...env, npm_config_offline: 'true', npm_config_update_notifier: 'false' };
}

describe('the examples', () => {
  it('are built, packed, installed from their tarballs, and pass their tests', () => {
    const sources = join(root, 'examples');
    cpSync('examples', sources, { recursive: true });
    const folders = EXAMPLES.map((name) => join(sources, name));
    run(process.execPath, [TSC, '-b', '--pretty', 'false', ...folders], root);
    // They are built: `prepack` would do it again.
    run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', root, ...folders], root);
    const empty = join(root, 'empty');
    mkdirSync(empty);
    // Without it, npm would install them in the folder above.
    writeFileSync(join(empty, 'package.json'), '{}');
    const tarballs = EXAMPLES.map((name) => join(root, `coda-plugin-${name}-1.0.0.tgz`));
    // Their peer is in another folder, since npm would ask a registry for what the node itself needs.
    run('npm', ['install', '--legacy-peer-deps', '--no-audit', '--no-fund', ...tarballs], empty);
    const tests = EXAMPLES.map((name) => {
      const installed = join(root, 'node_modules', `coda-plugin-${name}`);
      renameSync(join(empty, 'node_modules', `coda-plugin-${name}`), installed);
      assert.deepEqual(readdirSync(installed).toSorted(), ['README.md', 'dist', 'package.json']);
      // Elsewhere than the sources: what it imports by name is what was packed.
      const test = `${name}.test.js`;
      cpSync(join(sources, name, 'dist', 'test', test), join(root, test));
      return test;
    });
    rmSync(sources, { recursive: true });
    const dependencies = Object.fromEntries(EXAMPLES.map((name) => [`coda-plugin-${name}`, '*']));
    writeFileSync(join(root, 'package.json'), JSON.stringify({ type: 'module', dependencies }));
    // Fails for a peer that is missing, or has another version than is asked for.
    run('npm', ['ls', 'coda-node'], root);
    // In one process, which is quicker.
    writeFileSync(join(root, 'all.js'), tests.map((test) => `import './${test}';\n`).join(''));
    run(process.execPath, ['all.js'], root);
  });

  it('are listed as their pages say', () => {
    const folder = join(root, 'configs');
    mkdirSync(folder, { recursive: true });
    for (const name of EXAMPLES) {
      const { code = '' } =
        blocksOf(join('examples', name, 'README.md')).find(({ lang }) => lang === 'ts') ?? {};
      // With the types of its options.
      writeFileSync(join(folder, `${name}.ts`), `import type {} from 'coda-plugin-${name}';\n${code}`);
      writeFileSync(
        join(folder, `${name}-wrong.ts`),
        `import type {} from 'coda-plugin-${name}';\n${code.replace(/\{ \w+:/, '{ oops:')}`,
      );
    }
    writeFileSync(join(folder, 'tsconfig.json'), TSCONFIG);
    const { stdout } = spawnSync(process.execPath, [TSC, '-p', folder, '--pretty', 'false'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const wrong = [...stdout.matchAll(/^(\S+)\.ts\(.*'oops'/gm)].map(([, file = '']) => file);
    assert.deepEqual(
      wrong.toSorted(),
      EXAMPLES.map((name) => `${name}-wrong`),
      stdout,
    );
    assert.doesNotMatch(stdout, /^(?!\S+-wrong\.ts)\S+\.ts\(/m);
  });

  it('work together in a node, where they are found by their names', async () => {
    const folder = join(root, 'together');
    mkdirSync(folder);
    const edges = [0, 1, 2, 3, 4].flatMap((a) => [0, 1, 2, 3, 4].filter((b) => b > a).map((b) => [a, b]));
    const config = `export default {
      executor: 'simulator',
      plugins: [
        ['coda-plugin-job-log', { file: './jobs.jsonl' }],
        ['coda-plugin-calibration', { file: './calibration.json' }],
        ['coda-plugin-readout-mitigation', { file: './calibration.json' }],
        ['coda-plugin-webhook-mirror', { url: 'http://127.0.0.1:1', attempts: 1 }],
        ['coda-plugin-qubit-mapping', {}],
        { name: 'device', apply: ({ hooks }) => hooks.wrapExecutor.tap('device', () => ({
          device: { logicalEdges: ${JSON.stringify(edges)} },
        })) },
      ],
    };`;
    writeFileSync(join(folder, 'coda.config.js'), config);
    run(join(root, 'node_modules', '.bin', 'coda'), ['dev', '--once'], folder);
    const lines = readFileSync(join(folder, 'jobs.jsonl'), 'utf8').trim().split('\n');
    const ran = lines.map((line) => JSON.parse(line) as Ran).filter(({ event }) => event === 'ran');
    assert.ok(ran.length >= 4);
    for (const { annotations } of ran) {
      assert.deepEqual(Object.keys(annotations).toSorted(), ['calibration', 'qubits', 'readout-mitigation']);
    }
  });
});

describe('the page on plugins', () => {
  it('works as it is written, in an empty folder', () => {
    const folder = join(root, 'fridge');
    const blocks = join(root, 'blocks');
    for (const path of [folder, blocks]) mkdirSync(path);
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    let checked = 0;
    let said = '';
    for (const [i, { lang, info, code }] of blocksOf(GUIDE).entries()) {
      const file = join(folder, info.replace('>> ', ''));
      if (lang === 'sh') said = run('bash', ['-ec', withoutRegistry(code)], folder);
      else if (lang === 'text')
        for (const line of code.trim().split('\n')) assert.match(said, asPattern(line));
      else if (info.startsWith('>> ')) appendFileSync(file, code);
      else {
        assert.notEqual(info, '', `a block without a file: ${code}`);
        writeFileSync(file, code);
        if (lang !== 'ts' || info.startsWith('test/')) continue;
        checked += 1;
        writeFileSync(join(blocks, `block-${i}.ts`), code);
      }
    }
    assert.ok(checked >= 5);
    writeFileSync(join(blocks, 'tsconfig.json'), TSCONFIG);
    run(process.execPath, [TSC, '-p', blocks, '--pretty', 'false'], blocks);
  });
});

/** A line of the job log. */
interface Ran {
  readonly event: string;
  readonly annotations: object;
}

interface Block {
  readonly lang: string;
  /** What follows the language: the name of a file. */
  readonly info: string;
  readonly code: string;
}

function blocksOf(page: string): Block[] {
  const found = readFileSync(page, 'utf8').matchAll(/^```(\w+) ?(.*)\n([^]*?)^```$/gm);
  return [...found].map(([, lang = '', info = '', code = '']) => ({ lang, info, code }));
}

/** What is installed already. */
function withoutRegistry(script: string): string {
  return script.replaceAll(/^npm (?:init|install) .*$/gm, ':');
}

/** `…` stands for anything in one line. */
function asPattern(line: string): RegExp {
  return new RegExp(
    line
      .split('…')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*'),
  );
}
