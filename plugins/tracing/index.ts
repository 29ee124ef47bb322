// A span for each job, for a process in which an OpenTelemetry SDK is registered. Without one, nothing is loaded.
import type { Plugin } from '../../src/index.ts';

/** Where every copy of OpenTelemetry's API of this major version keeps what is registered. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

/** Makes spans if somebody collects them. */
export function tracing(): Plugin {
  return {
    name: 'tracing',
    apply(node) {
      // The config file, which may register an SDK, has run by then.
      node.hooks.boot.tapPromise('tracing', async () => {
        if (!isCollected()) return;
        const { JobSpans } = await import('./spans.ts');
        new JobSpans(node).tap();
        node.log.child('tracing').info('an OpenTelemetry SDK is registered: each job has a span');
      });
    },
  };
}

function isCollected(): boolean {
  const api: unknown = Reflect.get(globalThis, REGISTERED);
  return typeof api === 'object' && api !== null && 'trace' in api;
}
