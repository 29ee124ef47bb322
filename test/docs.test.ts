// The documents are right: their code compiles, their tables agree with the code, and their commands exist.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { blocksOf, runPage } from './support/page.ts';
import { GATES, LEGAL_GATES, parseIr, TARGETS, validateIr, type Gate } from '../src/protocol/ir.ts';

const TSC = resolve('node_modules', 'typescript', 'bin', 'tsc');

/** Every page that people read. */
const TEXTS = [
  ...[
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'SECURITY.md',
    join('bench', 'README.md'),
    join('templates', 'README.md'),
  ],
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

describe('the code in the documents', () => {
  let folder: string;
  before(() => {
    // A user's project, with the package as it would be installed.
    folder = mkdtempSync(join(tmpdir(), 'coda-docs-'));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(resolve('.'), join(folder, 'node_modules', 'coda-node'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const compilerOptions = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2023',
      types: [],
      skipLibCheck: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('compiles against the package', () => {
    cpSync('coda.config.ts.example', join(folder, 'example.config.ts'));
    let blocks = 0;
    // The files of plugins.md import each other: test/examples.test.ts compiles them together.
    for (const file of TEXTS.filter((page) => page !== join('docs', 'plugins.md'))) {
      for (const [, code = ''] of readFileSync(file, 'utf8').matchAll(
        /^```ts(?: [\w./-]+)?\n(.*?)^```$/gms,
      )) {
        writeFileSync(join(folder, `block-${blocks}.ts`), code);
        blocks += 1;
      }
    }
    assert.ok(blocks >= 2);
    const { status, stdout } = spawnSync(process.execPath, [TSC, '-p', folder, '--pretty', 'false'], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout);
  });

  it('does not compile if an option is wrong', () => {
    const wrong =
      "import { defineConfig } from 'coda-node';\nexport default defineConfig({ plugins: [['heartbeat', { intervalSecs: 1 }]] });\n";
    writeFileSync(join(folder, 'wrong.ts'), wrong);
    const { status, stdout } = spawnSync(process.execPath, [TSC, '-p', folder, '--pretty', 'false'], {
      encoding: 'utf8',
    });
    rmSync(join(folder, 'wrong.ts'));
    assert.notEqual(status, 0);
    assert.match(stdout, /wrong\.ts/);
  });
});

describe('the reference pages', () => {
  it('agree with the tables in the code', async () => {
    const { PAGES } = (await import(pathToFileURL(resolve('.ci', 'docs.mjs')).href)) as {
      PAGES: Record<string, string>;
    };
    for (const [path, text] of Object.entries(PAGES)) {
      assert.equal(readFileSync(path, 'utf8'), text, `${path} is out of date: npm run docs`);
    }
  });
});

describe('the pages', () => {
  const found = (pattern: RegExp): { page: string; found: string }[] =>
    TEXTS.flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(pattern)].map(([, text = '']) => ({ page, found: text })),
    );

  it('name only files and folders that exist', () => {
    const paths = found(/(?<![\w./-])((?:src|plugins|test|bench|\.ci)\/(?:[\w./-]*[\w/])?)/g);
    assert.ok(paths.length > 50);
    // The build makes the validators.
    const isMade = (path: string): boolean => path.endsWith('/validators.js');
    // The folders of plugins.md are the reader's own.
    const missing = paths.filter(
      ({ page, found: path }) => page !== join('docs', 'plugins.md') && !existsSync(path) && !isMade(path),
    );
    assert.deepEqual(missing, []);
  });

  it('link only to pages and headings that exist', () => {
    const links = found(/\]\((?!https?:)([^)\s]+)\)/g);
    assert.ok(links.length > 20);
    const broken = links.filter(({ page, found: link }) => {
      const [file = '', heading] = link.split('#');
      const path = file === '' ? page : join(dirname(page), file);
      return !existsSync(path) || (heading !== undefined && !headingsOf(path).includes(heading));
    });
    assert.deepEqual(broken, []);
  });
});

/** The anchors of a page's headings, as GitHub makes them. */
function headingsOf(path: string): string[] {
  const headings = readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(/\s/g, '-'),
  );
}

describe('the page of circuits', () => {
  const PAGE = readFileSync(join('docs', 'circuits.md'), 'utf8');

  it('shows what its commands print, run one after the other', () => {
    const place = mkdtempSync(join(tmpdir(), 'coda-circuits-'));
    const main = resolve('dist', 'bundle', 'coda.cjs');
    writeFileSync(join(place, 'coda'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`, {
      mode: 0o755,
    });
    const env = {
      ...{ PATH: `${place}:${process.env['PATH']}`, HOME: place, LANG: 'C.UTF-8' },
      ...{ CODA_EXECUTOR_FACTORY: 'simulator', CODA_STATE_DIR: join(place, 'state') },
    };
    try {
      runPage(join('docs', 'circuits.md'), { cwd: place, env });
      assert.ok(
        blocksOf(join('docs', 'circuits.md')).filter(({ language }) => language === 'text').length >= 3,
      );
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });

  it('has a valid circuit, and a valid example of each gate for the targets that it names', () => {
    const [, json = ''] = /^```json\n(.*?)^```$/ms.exec(PAGE) ?? [];
    const circuit = parseIr(json);
    const rows = [...PAGE.matchAll(/^\| `(\w+)` .*\| ([^|]*?) +\| `(\{.*?\})` +\|$/gm)];
    assert.deepEqual(rows.map(([, gate = '']) => gate).toSorted(), Object.keys(GATES).toSorted());
    for (const [, name = '', targets = '', example = ''] of rows) {
      const legal = TARGETS.filter((target) => LEGAL_GATES[target].some((gate) => gate === name));
      assert.equal(
        targets,
        legal.length === TARGETS.length ? 'all' : legal.map((target) => `\`${target}\``).join(', '),
      );
      const gate = JSON.parse(example) as Gate;
      assert.equal(gate.gate, name);
      for (const target of legal) validateIr({ ...circuit, target, gates: [gate] });
    }
  });
});

describe('the README', () => {
  it('names every command, and only commands that exist', () => {
    const main = resolve('dist', 'bundle', 'coda.cjs');
    const help = spawnSync(process.execPath, [main, '--help'], { encoding: 'utf8' }).stdout;
    const commands = help.matchAll(/^ {2}(\w[\w-]*)(?: <\w+>)?(?: \[[.\w]+\])* {2,}/gm);
    const existing = [...commands].map(([, name = '']) => name);
    const table = readFileSync('README.md', 'utf8').matchAll(/^\| (.*?) \|/gm);
    const named = [...table].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`coda ([\w-]+)`/g)].map(([, name = '']) => name),
    );
    assert.deepEqual(named.toSorted(), existing.toSorted());
  });
});
