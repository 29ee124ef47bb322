// Loads the core, which is in the file beside this one, with V8's code cache of it: compiling takes a good part of a start.
// The first node that starts leaves that cache here if the folder belongs to its user; V8 refuses one that does not fit.
const { readFileSync, renameSync, statSync, writeFileSync } = require('node:fs');
const { wrap } = require('node:module');
const { Script } = require('node:vm');

const filename = `${__dirname}/core.code.cjs`;
const cache = `${__dirname}/core.cache`;
const owner = statSync(filename).uid;
let cachedData;
if (statSync(cache, { throwIfNoEntry: false })?.uid === owner) cachedData = readFileSync(cache);
const script = new Script(wrap(readFileSync(filename, 'latin1')), { filename, cachedData });
if ((cachedData === undefined || script.cachedDataRejected) && process.geteuid?.() === owner) {
  globalThis[Symbol.for('coda-node.saveCodeCache')] = () => {
    writeFileSync(`${cache}.${process.pid}`, script.createCachedData());
    renameSync(`${cache}.${process.pid}`, cache);
  };
}
script.runInThisContext()(exports, require, module, filename, __dirname);
