// A plugin that leaks: from each job it keeps memory and a file descriptor. The soak has to find it.
import { openSync } from 'node:fs';
import type { Plugin } from '../../../src/index.ts';

/** Of pointers, 8 bytes each. */
const LENGTH = 5_000;
export const LEAKED_MIB = (8 * LENGTH) / 1024 / 1024;

export function plugin(): Plugin {
  return {
    name: 'leak',
    apply(node) {
      const kept: (readonly (string | number)[])[] = [];
      node.hooks.afterRun.tap('leak', () => {
        kept.push(Array.from({ length: LENGTH }, () => 'kept'));
        openSync('/dev/null', 'r');
      });
      // What is kept must be of use, or the engine may drop it.
      node.onClose('the leak', () => void kept.splice(0));
    },
  };
}
