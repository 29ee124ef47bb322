// Makes <outDir>/bundle of the compiled code: what `coda` and `import 'coda-node'` run. One CommonJS script with all of
// ours and of the packages that a start needs, because finding and reading hundreds of files is most of a start's time.
// Runs last in the build:  node .ci/bundle.mjs [outDir, default dist]
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(process.argv[2] ?? 'dist');
const place = join(root, 'bundle');
// Put in its place when all is there: a node that runs from it may start another process at any time.
const folder = `${place}.new`;
const require = createRequire(import.meta.url);

/** Loaded from node_modules when they are needed, which is not in an ordinary start. */
const ON_DEMAND = ['cosmiconfig', 'fastest-levenshtein', 'yaml'];

/** In place of packages that bring, and load, far more than is used. */
const STAND_INS = {
  // All of fetch, caches and WebSockets come with the main file.
  undici: `
    import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
    import request from 'undici/lib/api/api-request.js';
    Object.assign(Dispatcher.prototype, { request });
    export { default as Agent } from 'undici/lib/dispatcher/agent.js';
    export { default as EnvHttpProxyAgent } from 'undici/lib/dispatcher/env-http-proxy-agent.js';`,
  // undici asks for it before it knows whether it will speak HTTP/2, which it never does here, and can do without.
  'node:http2': `throw new Error('HTTP/2 is not used');`,
  // Only a configuration in code needs these two.
  jiti: `export const createJiti = (...args) => __load('translators').createJiti(...args);`,
  sucrase: `export const transform = (...args) => __load('translators').transform(...args);`,
};

const CORE = `
  exports.index = require('./src/index.js');
  exports.testing = () => require('./src/testing/index.js');
  exports.coda = () => require('./src/cli/main.js');
  exports.daemonChild = () => require('./src/cli/start/daemon-child.js');`;

// jiti's own entry, but for the import(), which has to stand in a file that Node itself has loaded.
const TRANSLATORS = `
  const create = require(${JSON.stringify(join(dirname(require.resolve('jiti')), '../dist/jiti.cjs'))});
  const { createRequire } = require('node:module');
  const onError = (thrown) => { throw thrown; };
  exports.createJiti = (id, options) => create(id, options, { onError, nativeImport: __import, createRequire });
  exports.transform = require(${JSON.stringify(require.resolve('sucrase'))}).transform;`;

rmSync(folder, { recursive: true, force: true });
const inputs = [...(await bundle('core', CORE)), ...(await bundle('translators', TRANSLATORS))];
write('load.cjs', readFileSync(new URL('load.cjs', import.meta.url)));
write('coda.cjs', `#!/usr/bin/env node\nrequire('./load.cjs').coda();\n`);
chmodSync(join(folder, 'coda.cjs'), 0o755);
write('daemon-child.js', `import core from './load.cjs';\ncore.daemonChild();\n`);
const core = require(join(folder, 'load.cjs'));
write('index.js', reExports('core.index', core.index));
write('testing.js', reExports('core.testing()', core.testing()));
write('THIRD-PARTY.txt', licences(inputs));
rmSync(place, { recursive: true, force: true });
renameSync(folder, place);

/** Bundles `contents` into `<name>.cjs`; returns the paths of all that went in. */
async function bundle(name, contents) {
  const { metafile } = await build({
    stdin: { contents, resolveDir: root },
    outfile: join(folder, `${name}.cjs`),
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    // Names stay as they are: they are what a stack trace shows.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 200,
    legalComments: 'none',
    external: ON_DEMAND,
    // One table of all file types will do: koa's packages ask for two versions of it, 0.7 MiB each once loaded.
    alias: { 'mime-types': require.resolve('mime-types') },
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__moduleUrl' },
    banner: {
      js:
        '(function (exports, require, __filename, __dirname, __import, __load) {' +
        "const module = { exports }, __moduleUrl = require('node:url').pathToFileURL(__filename).href;",
    },
    footer: { js: '})' },
    plugins: [{ name: 'stand-ins', setup: standIns }],
    metafile: true,
    logLevel: 'warning',
  });
  return Object.keys(metafile.inputs);
}

function standIns(build) {
  const names = new RegExp(`^(${Object.keys(STAND_INS).join('|')})$`);
  build.onResolve({ filter: names }, ({ path }) => ({ path, namespace: 'stand-in' }));
  build.onLoad({ filter: /^/, namespace: 'stand-in' }, ({ path }) => ({
    contents: STAND_INS[path],
    resolveDir: process.cwd(),
  }));
}

/** The same classes and functions for modules, name by name. */
function reExports(from, exported) {
  const names = Object.keys(exported).toSorted();
  return `import core from './load.cjs';\nexport const { ${names.join(', ')} } = ${from};\n`;
}

/** The licence of every package whose code is in the bundle. */
function licences(inputs) {
  const folders = new Set(
    inputs
      .toSorted((a, b) => a.localeCompare(b))
      .flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  );
  const texts = [...folders].map((path) => {
    const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? `Licence: ${license}` : readFileSync(join(path, file), 'utf8').trim();
    return `${name} ${version}\n\n${text}\n`;
  });
  return `core.cjs contains code of these packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

function write(name, text) {
  writeFileSync(join(folder, name), text);
}
