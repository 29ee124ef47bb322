// Small inputs that once made the node do something else than it said, against the program as users run it.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { bell } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';

const write = (name: string, text: string): void => {
  const path = join(bench.folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};
const plugin = (tap: string): string =>
  `export default { plugins: [{ name: 'lab', apply(node) { node.hooks.${tap}; } }] };`;

describe('coda start', () => {
  const start = (env: Readonly<Record<string, string>> = {}): ReturnType<typeof bench.spawn> =>
    bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken(), ...env });

  for (const [what, text, says] of [
    ['uses merge keys', 'base: &b { executor_factory: simulator }\n<<: *b\n', /executor simulator/],
    [
      'names a key that is there twice',
      'executor_factory: noop\nexecutor_factory: simulator\n',
      /the key executor_factory is there twice in .*device\.yaml:2:1; the last one counts[^]*executor simulator/,
    ],
    [
      'names a misspelt key',
      'executorFactory: simulator\n',
      /executorFactory .*did you mean executor_factory/,
    ],
  ] as const) {
    it(`${what} of the device YAML`, async () => {
      write('site/device.yaml', text);
      const node = start();
      await node.says('serving QPU');
      assert.match(node.output(), says);
    });
  }

  for (const [what, tap, says] of [
    ['a hook that does not exist', "onJbo.tap('lab', () => {})", /no hook 'onJbo'; did you mean 'onJob'\?/],
    [
      'an executor without run',
      "resolveExecutor.tap('lab', () => ({ executor: {}, source: 'lab' }))",
      /plugin 'lab' failed in resolveExecutor: .*executor/,
    ],
    [
      'an executor without its source',
      "resolveExecutor.tap('lab', () => ({ executor: {} }))",
      /plugin 'lab' failed in resolveExecutor: .*source/,
    ],
  ] as const) {
    it(`is refused, by the name of the plugin, for ${what}`, async () => {
      write('coda.config.mjs', plugin(tap));
      const node = start();
      assert.equal(await node.ended, 1, node.output());
      assert.match(node.output(), says);
    });
  }

  for (const [variable, value] of [
    ['CODA_STATE_DIR', '"/state"'],
    ['CODA_WEBAPP_URL', "'http://cloud.example'"],
    ['NO_PROXY', '"10.0.0.0/8"'],
  ] as const) {
    it(`is refused for quotes around the value of ${variable}`, async () => {
      const node = start({ [variable]: value });
      assert.equal(await node.ended, 1, node.output());
      assert.match(node.output(), new RegExp(`the value of ${variable} has quotes around it`));
    });
  }

  it('waits as long as the cloud asks for', async () => {
    cloud.fail('connect', { status: 429, headers: { 'retry-after': '2' } });
    const node = start();
    await node.says('it answered 429');
    await node.says('next attempt in 2 s');
    cloud.heal();
    await node.says('serving QPU');
  });
});

describe('a job', () => {
  it('may have a byte order mark before its circuit, and one of another format is named', async () => {
    const node = bench.spawn(['start'], {
      CODA_NODE_TOKEN: cloud.issueToken(),
      CODA_EXECUTOR_FACTORY: 'simulator',
    });
    const text = JSON.stringify(bell('cz').ir);
    const marked = await cloud.submit({ ir: `\uFEFF${text}`, shots: 5 });
    const foreign = await cloud.submit({ ir: 'OPENQASM 2.0;\nqreg q[2];\n', shots: 5 });
    assert.equal((await cloud.outcome(marked)).status, 'completed');
    const outcome = await cloud.outcome(foreign);
    assert.match(
      outcome.status === 'failed' ? outcome.error : '',
      /OpenQASM 2\.0; this node takes NativeGateIR/,
    );
    await node.says(`job ${foreign} failed in the check of its circuit: the circuit is OpenQASM 2.0`);
  });
});
