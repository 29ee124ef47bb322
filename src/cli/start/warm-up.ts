// What a start does for the next one, and for the memory of this one, between its own code and the first request.
import { setFlagsFromString } from 'node:v8';
import { definePlugin } from '../../plugin.ts';

/** How much WebAssembly V8 runs before it optimizes it. undici parses answers with WebAssembly: by its own figure V8 would
 *  optimize that during the start, for 100 ms of a core and 10 MiB that it never gives back. With this one it does so after
 *  many hundreds of answers: soon under load, if it pays, and hours later on an idle node. */
const WASM_BUDGET = 2_000_000_000;

/** Leaves V8's code cache of a start beside the bundle, then sets V8's flag: a cache is good only for the flags with which
 *  it was made, and a start has none yet when it loads the bundle. */
export const warmUp = definePlugin({
  name: 'warm-up',
  apply(node) {
    node.hooks.connect.tap({ name: 'warm-up', stage: -1000 }, () => {
      try {
        saveCodeCache();
      } catch {
        // The folder is read-only, or the disk is full: the next start compiles again.
      }
      setFlagsFromString(`--wasm-tiering-budget=${WASM_BUDGET}`);
      return undefined;
    });
  },
});

/** The bundle's loader offers it if there is no cache that fits (.ci/core.cjs). */
function saveCodeCache(): void {
  const save: unknown = Reflect.get(globalThis, Symbol.for('coda-node.saveCodeCache'));
  if (typeof save === 'function') Reflect.apply(save, undefined, []);
}
