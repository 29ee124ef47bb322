// Errors that plugins throw outside their taps: the job survives, and the plugin is named wherever one looks.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';

const write = (name: string, text: string): void => {
  mkdirSync(join(bench.folder, name, '..'), { recursive: true });
  writeFileSync(join(bench.folder, name), text);
};

/** Runs end when the file `go` is there. */
const EXECUTOR = `
import { existsSync } from 'node:fs';
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const executor = {
  async run(ir, shots) {
    while (!existsSync(new URL('./go', import.meta.url))) await wait(5);
    return { counts: { '00': shots }, executionTimeMs: 1, shotsCompleted: shots };
  },
};
`;

describe('an error that nobody catches', () => {
  it('of a plugin is told with its place and its stack, and the node continues', async () => {
    write(
      'timer.ts',
      `interface Nothing { a: string }

export default {
  name: 'ticker',
  apply(): void {
    let ticks: number = 0; setInterval((): void => { ticks += 1; throw new Error('tick ' + ticks); }, 20);
  },
};
`,
    );
    write(
      'node_modules/coda-plugin-leak/package.json',
      JSON.stringify({ name: 'coda-plugin-leak', type: 'module', exports: './index.js' }),
    );
    write(
      'node_modules/coda-plugin-leak/index.js',
      "import { leak } from './lib/leak.js';\nexport default { name: 'leak', apply: () => void leak() };\n",
    );
    write(
      'node_modules/coda-plugin-leak/lib/leak.js',
      "export async function leak() {\n  await null;\n  throw new RangeError('no disk for my notes');\n}\n",
    );
    write(
      'lab/imported.ts',
      `export const make = () => ({
  name: 'imported',
  apply() { setTimeout(() => { throw new Error('late'); }, 1); },
});
`,
    );
    write(
      'coda.config.mjs',
      `${EXECUTOR}
import { connect } from 'node:net';
import { make } from './lab/imported.ts';
const socket = {
  name: 'socket',
  // A socket without a listener for its errors: the stack has only Node.js in it.
  apply: ({ hooks }) => hooks.start.tap('socket', () => void connect(1, '127.0.0.1')),
};
export default { executor, plugins: ['./timer.ts', 'coda-plugin-leak', make, socket] };
`,
    );
    const node = bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken() });
    await node.says('serving QPU');
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 3 });
    await cloud.whenState(jobId, 'executing');
    // Line and column are those of the author's text.
    const column =
      "    let ticks: number = 0; setInterval((): void => { ticks += 1; throw new Error('tick ' + ticks".indexOf(
        'new Error',
      );
    const named = [
      new RegExp(
        `plugin 'ticker' \\(.*/timer\\.ts:6:${column + 1}\\) threw an error that nobody caught: tick 1`,
      ),
      /plugin 'leak' \(.*coda-plugin-leak\/lib\/leak\.js:3:9\) left a rejected promise that nobody caught: no disk/,
      /plugin 'imported' \(.*lab\/imported\.ts:3:38\) threw an error that nobody caught: late/,
      /code that cannot be named threw an error that nobody caught: connect ECONNREFUSED/,
    ];
    for (const text of named) await waitUntil(`${text} in the log`, () => text.test(node.output()));
    assert.match(node.output(), /tick 1\n {2}Error: tick 1\n {6}at .*timer\.ts:6:\d+/);
    await waitUntil('several ticks in the status', async () => {
      const { code, output } = await bench.run(['status', '--ready']);
      return (
        code === 0 && named.every((text) => text.test(output)) && /; \d+ times, the last at 20/.test(output)
      );
    });
    assert.equal(node.output().split('Error: tick').length, 2, 'one stack is enough');
    write('go', '');
    const body = await cloud.outcome(jobId);
    assert.equal(body.status, 'completed');
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0, node.output());
  });

  it('that may have interrupted the node ends it with 1, after the running job is delivered', async () => {
    write(
      'coda.config.mjs',
      `${EXECUTOR}
const listener = {
  name: 'listener',
  apply: ({ hooks }) => {
    hooks.onJob.tap('listener', () => { setTimeout(() => { throw 'no error at all'; }, 10); });
  },
};
export default { executor, plugins: [listener] };
`,
    );
    const node = bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken() });
    await node.says('serving QPU');
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 3 });
    await node.says('no error at all');
    await node.says(`waiting for job ${jobId} to end`);
    write('go', '');
    assert.equal(await node.ended, 1, node.output());
    assert.equal(cloud.results.get(jobId)?.status, 'completed');
    assert.match(
      node.output(),
      /the node ends, since its own code may have been interrupted: .*no error at all/,
    );
    assert.match(await bench.ends(1, ['status']), /last end .*its own code may have been interrupted/);
  });

  it('that has interrupted the code of the node ends it with 1, after the running job is delivered', async () => {
    write(
      'coda.config.mjs',
      `${EXECUTOR}
// The node stops a run by this, in a timer of its own.
const { abort } = AbortController.prototype;
AbortController.prototype.abort = function () {
  AbortController.prototype.abort = abort;
  throw new Error('abort is patched');
};
export default { executor };
`,
    );
    const node = bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken(), CODA_JOB_TIMEOUT_SEC: '0.5' });
    await node.says('serving QPU');
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 3 });
    await node.says(`waiting for job ${jobId} to end`);
    write('go', '');
    assert.equal(await node.ended, 1, node.output());
    assert.equal(cloud.results.has(jobId), true, node.output());
    assert.match(
      node.output(),
      /the node ends, since its own code may have been interrupted: .*abort is patched/,
    );
  });

  it('of an executor, whose run then never ends, makes the node not ready after a while', async () => {
    write(
      'coda.config.mjs',
      `const executor = { run: () => new Promise(() => {
  setImmediate(() => { throw new Error('the fridge is warm'); });
}) };
export default { executor, plugins: [{ name: 'idle', apply() {} }] };
`,
    );
    const env = { CODA_NODE_TOKEN: cloud.issueToken(), CODA_CANCEL_GRACE_SEC: '0.2' };
    const node = bench.spawn(['start'], env);
    await node.says('serving QPU');
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 3 });
    await node.says('the fridge is warm');
    // Both are in the config file.
    assert.match(node.output(), /plugin 'idle' or the executor \(.*coda\.config\.mjs:2:30\) threw an error/);
    await waitUntil('being not ready', async () => {
      const { code, output } = await bench.run(['status', '--ready']);
      return (
        code === 1 && output.includes(`job ${jobId} still runs`) && output.includes('CODA_JOB_TIMEOUT_SEC')
      );
    });
    await cloud.cancel(jobId);
  });
});
