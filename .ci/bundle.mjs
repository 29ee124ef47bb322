// Puts the compiled code, and the packages that every start needs, into one file: finding and reading hundreds of
// files is most of the time of a start. `coda` and `import 'coda-node'` run from it.
//   node .ci/bundle.mjs [outDir, default dist]
import { chmodSync, cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { bundlePage } from './bundle-page.mjs';
import { licences } from './licences.mjs';

/** What users import: `<name>.js` has the exports of the file. */
const DOORS = {
  index: './src/index.js',
  kit: './src/kit.js',
  qasm: './src/qasm/index.js',
  testing: './src/testing/index.js',
};
/** What runs as a process. */
const PROGRAMS = { coda: './src/cli/main.js', daemonChild: './src/cli/start/daemon-child.js' };

/** Loaded from node_modules when they are needed, which is not in an ordinary start. */
const ON_DEMAND = ['ajv', 'cosmiconfig', 'jiti', 'yaml'];

/** How a module gets the core. With `import`, Node would first search the whole file for names, which takes 40 ms. */
const LOAD_CORE = `import { createRequire } from 'node:module';
const core = createRequire(import.meta.url)('./core.cjs');
`;

const root = resolve(process.argv[2] ?? 'dist');
const place = join(root, 'bundle');
// A node that runs from the bundle may start another process at any time, so the folder is replaced as a whole.
const folder = `${place}.new`;
const require = createRequire(import.meta.url);

rmSync(folder, { recursive: true, force: true });
const loaders = Object.entries({ ...DOORS, ...PROGRAMS }).map(
  ([name, file]) => `exports.${name} = () => require('${file}');\n`,
);
const inputs = [
  ...(await bundle('core.code.cjs', loaders.join(''))),
  ...(await bundle(
    'sucrase.cjs',
    `module.exports = require(${JSON.stringify(require.resolve('sucrase'))});`,
  )),
  ...(await bundlePage(join(folder, 'page'), root)),
];
write('core.cjs', readFileSync(join(import.meta.dirname, 'core.cjs')));
const core = require(join(folder, 'core.cjs'));
for (const name of Object.keys(DOORS)) {
  const names = Object.keys(core[name]()).toSorted();
  write(`${name}.js`, `${LOAD_CORE}export const { ${names.join(', ')} } = core.${name}();\n`);
}
write('daemon-child.js', `${LOAD_CORE}core.daemonChild();\n`);
write('coda.cjs', `#!/usr/bin/env node\nrequire('./core.cjs').coda();\n`);
chmodSync(join(folder, 'coda.cjs'), 0o755);
write('THIRD-PARTY.txt', licences(inputs, 'core.code.cjs, sucrase.cjs and page/app.js'));
rmSync(place, { recursive: true, force: true });
renameSync(folder, place);
copyPythonHost(join(root, 'python'));

/** Bundles the module `contents` into a file; returns the paths of everything in it. */
async function bundle(file, contents) {
  const { metafile } = await build({
    stdin: { contents, resolveDir: root },
    outfile: join(folder, file),
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    // Names stay as they are: a stack trace shows them.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 200,
    legalComments: 'none',
    external: ON_DEMAND,
    // One table of all file types will do: koa's packages ask for two versions of it, 0.7 MiB each once loaded.
    alias: { 'mime-types': require.resolve('mime-types') },
    // Packages on demand come with require(): before the first import(), Node sets up its other loader.
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__moduleUrl' },
    banner: { js: "const __moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
    plugins: [{ name: 'files-of-ours', setup: useOurFiles }],
    metafile: true,
    logLevel: 'warning',
  });
  return Object.keys(metafile.inputs);
}

function useOurFiles({ onResolve }) {
  onResolve({ filter: /^undici$/ }, () => ({ path: join(import.meta.dirname, 'undici.mjs') }));
  // A file of its own, since only a configuration in code needs it.
  onResolve({ filter: /^sucrase$/ }, () => ({ path: './sucrase.cjs', external: true }));
}

/** Python reads its part from files beside the bundle. A node that runs may start it at any time, so no file is missing in
 *  between. */
function copyPythonHost(target) {
  cpSync(join(import.meta.dirname, '..', 'plugins', 'python', 'host'), target, {
    recursive: true,
    filter: (path) => !path.includes('__pycache__'),
  });
}

function write(name, text) {
  writeFileSync(join(folder, name), text);
}
