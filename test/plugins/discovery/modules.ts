// Modules and packages with executors: real ones, written to a folder of the test's own.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

/** An executor, as source text. */
export const RUN = '{ run: () => ({ counts: {}, executionTimeMs: 1, shotsCompleted: 1 }) }';
export const ESM_FACTORY = `export const createExecutor = (settings) => ({ ...${RUN}, close() {}, device: { directedEdges: [[0, settings.numQubits]] } });`;

/** A folder with these files; paths ending in `->` are links to the content. */
export function folder(t: TestContext, files: Record<string, string> = {}): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'coda-discovery-')));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name.replace(/->$/, ''));
    mkdirSync(dirname(path), { recursive: true });
    if (name.endsWith('->')) symlinkSync(join(root, content), path);
    else writeFileSync(path, content);
  }
  return root;
}

/** The files of an installed package. */
export function esmPackage(
  name: string,
  exports: unknown,
  files: Record<string, string>,
): Record<string, string> {
  const at = `node_modules/${name}/`;
  const manifest = JSON.stringify({ name, version: '1.0.0', type: 'module', exports });
  const sources = Object.entries(files).map(([file, text]) => [at + file, text]);
  return { [`${at}package.json`]: manifest, ...Object.fromEntries(sources) };
}
