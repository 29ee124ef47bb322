// The rules of the house: who may import whom.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';

/** The places that put a node together, and so know the built-in plugins. */
const COMPOSITION = 'src/compose.ts';
const DOOR = 'src/index.ts';

interface Import {
  readonly file: string;
  /** A path in the repository, or a package. */
  readonly target: string;
}

function importsBelow(folder: string): Import[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => importsOf(join(folder, name)));
}

function importsOf(file: string): Import[] {
  const found = readFileSync(file, 'utf8').matchAll(/(?:\bfrom|\bimport\()\s*'([^']+)'/g);
  return [...found].map(([, specifier = '']) => ({
    file,
    target: specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier,
  }));
}

function offenders(imports: readonly Import[], allowed: (found: Import) => boolean): string[] {
  return imports.filter((found) => !allowed(found)).map(({ file, target }) => `${file} imports ${target}`);
}

describe('imports', () => {
  const src = importsBelow('src');
  const plugins = importsBelow('plugins');

  it('are found at all', () => {
    assert.ok(src.length > 100 && plugins.length > 20);
  });

  it('lead from src to plugins only where a node is put together', () => {
    assert.deepEqual(
      offenders(src, ({ file, target }) => !target.startsWith('plugins/') || file === COMPOSITION),
      [],
    );
  });

  it('lead to the place where a node is put together only from the command line and the test node', () => {
    const known = (file: string): boolean => file.startsWith('src/cli/') || file === 'src/testing/node.ts';
    assert.deepEqual(
      offenders(src, ({ file, target }) => target !== COMPOSITION || known(file)),
      [],
    );
  });

  it('lead from a plugin only through the public door, and never to another plugin', () => {
    const own = (file: string): string => `${file.split('/').slice(0, 2).join('/')}/`;
    const allowed = ({ file, target }: Import): boolean =>
      file === 'plugins/index.ts'
        ? !target.startsWith('src/') || target === DOOR
        : target === DOOR || target.startsWith(own(file)) || !/^(src|plugins|test)\//.test(target);
    assert.deepEqual(offenders(plugins, allowed), []);
  });

  it('keep the wire contract to itself', () => {
    const allowed = ({ target }: Import): boolean =>
      !target.startsWith('src/') ||
      target.startsWith('src/protocol/') ||
      target === 'src/errors.ts' ||
      target === 'src/executor/executor.ts';
    assert.deepEqual(offenders(importsBelow('src/protocol'), allowed), []);
  });

  it('lead from the bench only to what users can import', () => {
    const allowed = ({ target }: Import): boolean =>
      !/^(src|plugins|test)\//.test(target) || target === DOOR || target === 'src/testing/index.ts';
    const bench = importsBelow('bench');
    assert.ok(bench.length > 50);
    assert.deepEqual(offenders(bench, allowed), []);
  });

  it('never lead into the command line', () => {
    assert.deepEqual(
      offenders(
        [...src, ...plugins],
        ({ file, target }) => !target.startsWith('src/cli/') || file.startsWith('src/cli/'),
      ),
      [],
    );
  });
});

describe('the process', () => {
  it('is ended only by the command line', () => {
    const files = ['src', 'plugins'].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    );
    const ending = files.filter(
      (file) => file.endsWith('.ts') && /process\.exit(Code)?\b/.test(readFileSync(file, 'utf8')),
    );
    assert.deepEqual(
      ending.filter((file) => !file.startsWith('src/cli/')),
      [],
    );
  });
});
