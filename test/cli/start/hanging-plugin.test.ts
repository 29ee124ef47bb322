// A plugin that holds the start up is named wherever one looks, before its time is up.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';

const pluginThatHangsIn = (hook: string): string => `
export default { plugins: [{
  name: 'chiller',
  apply(node) {
    node.hooks.${hook}.tapPromise({ name: 'chiller', stage: -100 }, () => new Promise(() => {}));
  },
}] };
`;

describe('a plugin that hangs in the start', () => {
  for (const [hook, remedy] of [
    ['boot', /After 20 s \(hookTimeoutSec\) the start fails\. See what the plugin waits for/],
    ['resolveExecutor', /→ See what the plugin waits for/],
    ['beforeConnect', /→ See what the plugin waits for/],
  ] as const) {
    it(`is named in the log, in status and in doctor: ${hook}`, async () => {
      writeFileSync(join(bench.folder, 'coda.config.mjs'), pluginThatHangsIn(hook));
      const token = cloud.issueToken();
      const node = bench.spawn(['start'], { CODA_NODE_TOKEN: token, CODA_HOOK_TIMEOUT_SEC: '20' });
      const named = new RegExp(
        `plugin 'chiller' has not settled in ${hook} after \\d+ s, and the start waits for it`,
      );
      await waitUntil('the line in the log', () => named.test(node.output()));
      assert.match(node.output(), remedy);
      const [status, doctor] = await Promise.all([bench.run(['status']), bench.run(['doctor'])]);
      for (const { output } of [status, doctor]) {
        assert.match(output, named);
        assert.match(output, remedy);
      }
      // The node has its token, and nobody has asked for a tunnel yet.
      assert.doesNotMatch(doctor.output, /Get a token|tunnel interface/);
    });
  }
});
