// A plugin in the node under test: the memory that its objects take, after a garbage collection.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Plugin } from '../../../src/index.ts';

export const PROBE_PATH = '/soak/heap';

export interface HeapAnswer {
  readonly heapBytes: number;
}

export function plugin(): Plugin {
  return {
    name: 'soak-probe',
    apply(node) {
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      node.hooks.http.tap('soak-probe', (router) => {
        router.get(PROBE_PATH, (ctx) => {
          // Twice: the first one only finds out what finalizers still hold.
          collect();
          collect();
          const answer: HeapAnswer = { heapBytes: process.memoryUsage().heapUsed };
          ctx.body = answer;
        });
      });
    },
  };
}
