// Runs the bundles beside this file: core.cjs, whose exports are this file's, and others when core asks for them. The
// build also leaves V8's code cache of a start here, which saves compiling; V8 refuses one that another version made.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const loaded = new Map();

/** What the bundle exports; run once. */
function load(name) {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const filename = join(__dirname, `${name}.cjs`);
  const cachedData = contentOf(join(__dirname, `${name}.cache`));
  const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
  const bundle = { script, exports: {} };
  loaded.set(name, bundle);
  // Code that comes with a code cache cannot import() by itself.
  script.runInThisContext()(bundle.exports, require, filename, __dirname, (id) => import(id), load);
  return bundle.exports;
}

function contentOf(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

module.exports = load('core');
// For the build.
Object.defineProperty(module.exports, 'bundles', { value: loaded });
