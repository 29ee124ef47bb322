// `coda run` as a process: a circuit on the configured executor, no cloud anywhere.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { bell } from '../../../src/testing/index.ts';
import { Bench } from '../operator.ts';

describe('coda run', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench({ url: 'http://127.0.0.1:1' });
    writeFileSync(join(bench.folder, 'bell.json'), JSON.stringify(bell('cz').ir));
  });
  afterEach(() => bench.clear());

  const configure = (code: string): void =>
    writeFileSync(join(bench.folder, 'coda.config.js'), `export default { executor: ${code} };`);

  it('shows the counts of the simulator', async () => {
    const env = { CODA_EXECUTOR_FACTORY: 'simulator' };
    const text = await bench.ends(0, ['run', 'bell.json', '--shots', '200'], env);
    assert.match(text, /simulator: 200 shots/);
    assert.match(text, /█/);
    // The log's lines come first.
    const printed = await bench.ends(0, ['run', 'bell.json', '--json'], env);
    const body = JSON.parse(printed.slice(printed.indexOf('{'))) as {
      executor: string;
      status: string;
      counts: Record<string, number>;
    };
    assert.deepEqual([body.executor, body.status], ['simulator', 'completed']);
    assert.equal((body.counts['00'] ?? 0) + (body.counts['11'] ?? 0), 1000);
  });

  it('shows what is wrong with a result, an executor, a circuit', async () => {
    configure(
      '() => ({ run: async (ir, shots) => ({ counts: { 0: shots }, executionTimeMs: 1, shotsCompleted: shots }) })',
    );
    assert.match(await bench.ends(1, ['run', 'bell.json']), /failed.*bitstring of 2 bits/);
    configure('() => ({ run: async () => { throw new Error("the fridge is warm"); } })');
    assert.match(await bench.ends(1, ['run', 'bell.json', '--json']), /"error": "the fridge is warm"/);
    assert.match(
      await bench.ends(1, ['run', 'bell.json'], { CODA_EXECUTOR_FACTORY: './no.js:x' }),
      /ExecutorError/,
    );
    writeFileSync(join(bench.folder, 'bad.json'), '{"gates": 1}');
    assert.match(await bench.ends(1, ['run', 'bad.json']), /bad\.json is not valid/);
    assert.match(await bench.ends(1, ['run', 'none.json']), /cannot be read/);
    assert.match(await bench.ends(2, ['run', 'bell.json', '--shots', '0']), /--shots/);
    assert.match(await bench.ends(2, ['run']), /missing required args/);
  });

  it("shows the executor's log lines, and what is odd about its result, on standard error", async () => {
    configure(
      '() => ({ run: async (ir, shots, { log }) => { log.info("cooling down"); return { counts: { "00": 1 }, executionTimeMs: -2, shotsCompleted: shots }; } })',
    );
    const run = bench.spawn(['run', 'bell.json', '--json']);
    let [out, err] = ['', ''];
    run.child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    run.child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
    assert.equal(await run.ended, 0, run.output());
    assert.equal((JSON.parse(out) as { execution_time_ms: number }).execution_time_ms, 0);
    assert.match(err, /INFO .*cooling down/);
    assert.match(err, /WARN .*executionTimeMs of -2/);
    assert.match(err, /WARN .*counts of 1 shots with shotsCompleted 1000/);
  });

  it('takes a file with a byte order mark, and names a circuit of another format', async () => {
    const env = { CODA_EXECUTOR_FACTORY: 'simulator' };
    const circuit = join(bench.folder, 'circuit');
    const text = JSON.stringify(bell('cz').ir);
    writeFileSync(circuit, `\uFEFF${text}`);
    assert.match(await bench.ends(0, ['run', 'circuit'], env), /simulator: 1000 shots/);
    for (const [name, content] of [
      ['OpenQASM 3.0', 'OPENQASM 3.0;\nqubit[2] q;\n'],
      ['text in UTF-16', Buffer.from(`\uFEFF${text}`, 'utf16le')],
      ['a gzip file', gzipSync(text)],
    ] as const) {
      writeFileSync(circuit, content);
      assert.match(
        await bench.ends(1, ['run', 'circuit'], env),
        new RegExp(`circuit is ${name}; this node takes NativeGateIR 1\\.0`),
      );
    }
  });

  it('stops the executor on Ctrl-C', async () => {
    configure(
      '() => ({ run: (ir, shots, { signal }) => new Promise((_, reject) => { console.error("running"); const t = setInterval(() => {}, 1000); signal.addEventListener("abort", () => { clearInterval(t); reject(signal.reason); }); }) })',
    );
    const run = bench.spawn(['run', 'bell.json']);
    await run.says('running');
    run.child.kill('SIGINT');
    assert.equal(await run.ended, 1);
    assert.match(run.output(), /stopped by the operator/);
  });
});
