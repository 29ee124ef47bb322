// `create-coda-executor` as people and programs call it: what it asks for, writes, leaves alone and refuses.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../support/temporary.ts';
import { waitUntil } from '../../src/testing/index.ts';
import { readArguments, UsageError } from '../../templates/src/usage.ts';
import { contents, CREATE, create, put, told } from './creator.ts';

const EXECUTOR = ['--language', 'typescript', '--target', 'cz', '--qubits', '5'];

describe('the command line', () => {
  it('refuses what has no meaning, and says what has', () => {
    const wrong: readonly (readonly [args: string, says: RegExp])[] = [
      ['a b', /one folder, not 2: a, b/],
      ['--langage python', /Unknown option '--langage'/],
      ['--language rust', /--language is 'rust'; it must be one of typescript, javascript, python/],
      ['--target ccz', /--target is 'ccz'; it must be one of cz, iswap, pcz, cnot/],
      ['--qubits 1', /--qubits is 1; it must be a whole number from 2 to 50/],
      ['--qubits 51', /--qubits is 51/],
      ['--qubits 5.5', /--qubits is 5.5/],
      ['--package-manager deno', /--package-manager is 'deno'/],
      ['--plugin --language python', /a plugin is in TypeScript, not in python/],
      ['--example job-log --qubits 3', /--qubits is for executors/],
      ['--plugin --no-batch', /--batch is for executors/],
    ];
    for (const [args, says] of wrong) {
      assert.throws(
        () => readArguments(args.split(' ')),
        (thrown) => thrown instanceof UsageError && says.test(thrown.message),
        args,
      );
    }
  });

  it('asks nothing without a terminal, and names what is missing', async (t) => {
    const folder = await temporaryFolder(t);
    const none = create(folder, []);
    assert.equal(none.status, 2);
    assert.match(
      none.stderr,
      /nobody to ask: folder, --language, --target, --qubits; or take the defaults: --yes/,
    );
    assert.match(create(folder, ['x', '--plugin', '--json']).stderr, /nobody to ask: --example/);
    assert.match(create(folder, ['x', '--qubits', '4', '--target', 'cz']).stderr, /ask: --language;/);
    assert.deepEqual(contents(folder), {});
  });

  it('writes nothing with --dry-run, and says the same in JSON as it then does', async (t) => {
    const folder = await temporaryFolder(t);
    const dry = told(create(folder, ['lab', ...EXECUTOR, '--dry-run', '--json']));
    assert.deepEqual(contents(folder), {});
    assert.deepEqual([dry.ok, dry.written], [true, false]);
    const wet = told(create(folder, ['lab', ...EXECUTOR, '--json']));
    assert.deepEqual(wet, { ...dry, written: true });
    const files = Object.keys(contents(join(folder, 'lab'))).filter((path) => !path.endsWith('/'));
    assert.deepEqual(
      files.toSorted(),
      wet.files.map(({ path }) => path),
    );
    assert.deepEqual(wet.next, ['cd lab', 'npm install', 'npm test', 'npm run dev']);
    // Nothing is left of how it was written.
    assert.deepEqual(
      Object.keys(contents(folder)).filter((path) => path.startsWith('.')),
      [],
    );
    assert.equal(
      told(create(folder, ["a lab's", ...EXECUTOR, '--dry-run', '--json'])).next[0],
      String.raw`cd 'a lab'\''s'`,
    );
    const again = told(create(folder, ['lab', ...EXECUTOR, '--json']));
    assert.deepEqual(new Set(again.files.map(({ action }) => action)), new Set(['same']));
  });
});

describe('in a terminal', () => {
  const hasScript = spawnSync('script', ['--version']).status === 0;
  const skip = hasScript ? false : 'the command script (util-linux) is not here';

  it('asks for what the command line does not say, and only that', { skip }, async (t) => {
    const folder = await temporaryFolder(t);
    const session = terminal(folder, ['lab', '--language', 'python', '--target', 'iswap']);
    await session.says('Number of its qubits');
    session.type('7\r');
    await session.says('several circuits at once');
    session.type('y');
    assert.equal(await session.ended, 0);
    assert.doesNotMatch(session.output(), /Language|Native gates/);
    assert.match(
      readFileSync(join(folder, 'lab', 'site', 'device.yaml'), 'utf8'),
      /^target: iswap\n[^]*^qubits: 7$/m,
    );
    assert.match(
      readFileSync(join(folder, 'lab', 'lab_qpu', 'executor_factory.py'), 'utf8'),
      /def batch_run/,
    );
  });

  it('leaves nothing behind after Ctrl-C', { skip }, async (t) => {
    const folder = await temporaryFolder(t);
    const session = terminal(folder, ['lab']);
    await session.says('What is it?');
    session.type('\u0003');
    assert.equal(await session.ended, 130);
    assert.match(session.output(), /Nothing was written/);
    assert.deepEqual(contents(folder), {});
  });
});

describe('a repository that is there', () => {
  const LAB = {
    'README.md': '# The lab\n',
    LICENSE: 'MIT\n',
    'pyproject.toml':
      '[build-system]\nrequires = []\n\n[project]\nversion = "1"\nname = "Cold.Lab"\n\n[tool.x]\nname = "no"\n',
    'cold_lab/driver.py': 'class Driver: ...\n',
    '.gitignore': '/node_modules\n*.log',
    'src/notes.txt': 'ours\n',
  };

  it('gets what is missing, under its own name, and nothing of it changes', async (t) => {
    const folder = await temporaryFolder(t);
    put(folder, LAB);
    const { status, stdout } = create(folder, ['.', '--language', 'python', '--yes']);
    assert.equal(status, 0);
    assert.match(stdout, /^made cold-lab in the folder \.$/m);
    assert.match(stdout, /= README\.md {2}\(yours stays\)/);
    assert.match(stdout, /pyproject\.toml stays as it is: add PyYAML/);
    const after = contents(folder);
    const { '.gitignore': _, ...kept } = LAB;
    assert.deepEqual(Object.fromEntries(Object.keys(kept).map((path) => [path, after[path]])), kept);
    assert.match(after['.gitignore'] ?? '', /^\/node_modules\n\*\.log\ndist\/\n/);
    assert.ok(after['cold_lab/executor_factory.py']?.includes('from cold_lab.device import'));
    // A second time there is nothing to do.
    const again = told(create(folder, ['.', '--language', 'python', '--yes', '--json']));
    assert.ok(again.files.every(({ action }) => action === 'same' || action === 'keep'));
  });

  it('is told of every conflict before anything is written', async (t) => {
    const folder = await temporaryFolder(t);
    put(folder, {
      'package.json':
        '{\n    "name": "@lab/qpu",\n    "type": "module",\n    "scripts": { "test": "vitest", "lab": "x" }\n}\n',
      'coda.config.ts': 'export default {};\n',
      'src/stand-in.ts/old': '',
      site: 'a file\n',
      test: 'a file too\n',
    });
    symlinkSync('nowhere', join(folder, 'circuits'));
    const before = contents(join(folder, 'src'));
    const args = ['.', ...EXECUTOR];
    const { status, stderr } = create(folder, args);
    assert.equal(status, 1);
    for (const conflict of [
      'coda.config.ts is there, and is another one',
      'src/stand-in.ts is there, and is not a file',
      'site is there, and is not a folder',
      'test is there, and is not a folder',
      'circuits is a link that leads nowhere',
      'package.json: scripts.test is "vitest", and would be "tsc && node --test dist/test/*.test.js"',
    ]) {
      assert.ok(stderr.includes(`\n  ${conflict}\n`), `${conflict}\n${stderr}`);
    }
    assert.equal(existsSync(join(folder, 'README.md')), false);
    assert.deepEqual(contents(join(folder, 'src')), before);
    // No option replaces a folder by a file.
    const forced = told(create(folder, [...args, '--overwrite', '--json']));
    assert.deepEqual([forced.ok, forced.written, forced.conflicts.length], [false, false, 4]);
    const onFile = create(folder, ['site', ...EXECUTOR]);
    assert.deepEqual(
      [onFile.status, onFile.stderr.includes('site is there, and is not a folder')],
      [1, true],
    );
  });

  it('has files replaced with --overwrite, but for those of its owner', async (t) => {
    const folder = await temporaryFolder(t);
    put(folder, {
      'README.md': 'mine\n',
      'elsewhere/config.ts': 'export default {};\n',
      'package.json':
        '{\n\t"name": "@lab/qpu",\n\t"scripts": { "test": "vitest", "lab": "x" },\n\t"exports": { ".": "./x.js" }\n}\n',
    });
    symlinkSync(join('elsewhere', 'config.ts'), join(folder, 'coda.config.ts'));
    assert.equal(create(folder, ['.', ...EXECUTOR, '--overwrite']).status, 0);
    const after = contents(folder);
    assert.equal(after['README.md'], 'mine\n');
    // Through the link, which stays.
    assert.match(after['elsewhere/config.ts'] ?? '', /defineConfig/);
    const manifest = after['package.json'] ?? '';
    assert.match(manifest, /^\{\n\t"name": "@lab\/qpu",\n\t"scripts": \{\n\t\t"test": "tsc /);
    const { scripts, exports } = JSON.parse(manifest) as Record<
      'scripts' | 'exports',
      Record<string, unknown>
    >;
    assert.equal(scripts['lab'], 'x');
    assert.deepEqual(Object.keys(exports).toSorted(), ['.', './executor-factory', './package.json']);
  });

  it('is as it was if something fails in the middle', async (t) => {
    const folder = await temporaryFolder(t);
    put(folder, { 'a.txt': 'old a\n', blocked: 'a file\n' });
    const before = contents(folder);
    const { status, stderr } = writing(folder, [
      { path: 'a.txt', action: 'overwrite', text: 'new a' },
      { path: 'new/deep/b.txt', action: 'create', text: 'b' },
      { path: 'blocked/c.txt', action: 'create', text: 'c' },
    ]);
    assert.equal(status, 1);
    assert.match(stderr, /EEXIST|ENOTDIR/);
    assert.deepEqual(contents(folder), before);
  });

  it('is written as a whole, although a signal comes in the middle', async (t) => {
    const folder = join(await temporaryFolder(t), 'parent', 'new');
    const { status, signal } = writing(folder, [
      { path: 'a.txt', action: 'create', text: 'a' },
      { path: 'b.txt', action: 'create', interrupted: true },
      { path: 'c.txt', action: 'create', text: 'c' },
    ]);
    assert.deepEqual([status, signal], [0, null]);
    assert.deepEqual(contents(folder), { 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' });
  });
});

/** Calls `write` in a process of its own; the text of an interrupted step sends SIGINT to it. */
function writing(
  folder: string,
  steps: readonly object[],
): ReturnType<typeof spawnSync> & { stderr: string } {
  const module = pathToFileURL(resolve('dist', 'templates', 'src', 'write.js')).href;
  const script = `
    import { write } from ${JSON.stringify(module)};
    const steps = ${JSON.stringify(steps)}.map((step) => step.interrupted
      ? { ...step, get text() { process.kill(process.pid, 'SIGINT'); return 'b'; } } : step);
    write(${JSON.stringify(folder)}, steps);`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
}

interface Session {
  output(): string;
  says(text: string): Promise<void>;
  type(keys: string): void;
  readonly ended: Promise<number | null>;
}

/** `create-coda-executor` in a terminal of its own. */
function terminal(cwd: string, args: readonly string[]): Session {
  mkdirSync(cwd, { recursive: true });
  // As wide as a terminal: without that, the questions are wrapped after each letter.
  const command = ['stty cols 100 rows 40; exec', process.execPath, CREATE, ...args].join(' ');
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: cwd, TERM: 'xterm', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | null>((done) => child.on('close', done));
  return {
    output: () => text,
    says: async (wanted) =>
      void (await waitUntil(`the question ${wanted}, in ${text}`, () => text.includes(wanted))),
    type: (keys) => child.stdin.write(keys),
    ended: ended.finally(() => child.stdin.destroy()),
  };
}
