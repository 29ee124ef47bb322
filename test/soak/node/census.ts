// A plugin in the node under test: all that it has in memory, as a file, and what no message from outside causes.
import { writeHeapSnapshot } from 'node:v8';
import type { NativeGateIR, Plugin } from '../../../src/index.ts';

export const CENSUS_PATHS = {
  snapshot: '/soak/snapshot',
  renew: '/soak/network-changed',
  local: '/soak/local-run',
} as const;

export function plugin(): Plugin {
  return {
    name: 'soak-census',
    apply(node) {
      node.hooks.http.tap('soak-census', (router) => {
        router.get(CENSUS_PATHS.snapshot, (ctx) => {
          // Of what can be reached: the garbage is collected first.
          ctx.body = writeHeapSnapshot(String(ctx.query['path']));
        });
        router.get(CENSUS_PATHS.renew, (ctx) => {
          node.networkChanged();
          ctx.status = 204;
        });
        router.get(CENSUS_PATHS.local, async (ctx) => {
          const ir = JSON.parse(String(ctx.query['ir'])) as NativeGateIR;
          const { signal } = new AbortController();
          await node.jobs.runLocal(ir, { shots: 1, signal });
          ctx.status = 204;
        });
      });
    },
  };
}
