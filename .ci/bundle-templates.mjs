// Puts `create-coda-executor` together in templates/dist: the program in one file, so that it needs no other packages, and
// the files of projects, with the examples, which are what plugins begin from.
import { chmodSync, cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { licences } from './licences.mjs';

const root = resolve(import.meta.dirname, '..');
const place = join(root, 'templates', 'dist');
// Replaced as a whole: a test may be reading it.
const folder = `${place}.new`;

rmSync(folder, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: [join(root, 'dist', 'templates', 'src', 'main.js')],
  outfile: join(folder, 'create.js'),
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  legalComments: 'none',
  banner: { js: '#!/usr/bin/env node' },
  metafile: true,
  logLevel: 'warning',
});
chmodSync(join(folder, 'create.js'), 0o755);
writeFileSync(join(folder, 'THIRD-PARTY.txt'), licences(Object.keys(metafile.inputs), 'create.js'));
cpSync(join(root, 'templates', 'files'), join(folder, 'files'), {
  recursive: true,
  filter: (path) => !/__pycache__|\.pytest_cache/.test(path),
});
cpSync(join(root, 'examples'), join(folder, 'files', 'examples'), {
  recursive: true,
  filter: (path) => !/(?:^|[\\/])(?:dist|node_modules|package-lock\.json)$/.test(path),
});
rmSync(place, { recursive: true, force: true });
renameSync(folder, place);
