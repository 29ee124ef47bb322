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
    assert.match(await bench.ends(1, ['run', 'bad.json']), /bad\.json is not valid[^]*→ .*OpenQASM 2 and 3/);
    assert.match(await bench.ends(1, ['run', 'none.json']), /cannot be read[^]*→ Name a file/);
    assert.match(await bench.ends(2, ['run', 'bell.json', '--shots', '0']), /--shots/);
    assert.match(await bench.ends(2, ['run']), /missing required args/);
  });

  it('takes a file with a byte order mark, and names a circuit of another format', async () => {
    const env = { CODA_EXECUTOR_FACTORY: 'simulator' };
    const circuit = join(bench.folder, 'circuit');
    const text = JSON.stringify(bell('cz').ir);
    writeFileSync(circuit, `\uFEFF${text}`);
    assert.match(await bench.ends(0, ['run', 'circuit'], env), /simulator: 1000 shots/);
    for (const [name, content] of [
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

  it('takes OpenQASM: translated for the device, told by its content, with what is in the way named', async () => {
    const text =
      '\uFEFF// A Bell pair\nOPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\nbit[2] c;\nh q[0];\ncx q[0], q[2];\nc[0] = measure q[0];\nc[1] = measure q[2];\n';
    writeFileSync(join(bench.folder, 'bell.qasm'), text);
    writeFileSync(join(bench.folder, 'bell'), text);
    writeFileSync(
      join(bench.folder, 'native.qasm'),
      'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[1] q;\nbit[1] c;\nrx(pi) q[0];\nc = measure q;\n',
    );
    const env = { CODA_EXECUTOR_FACTORY: 'simulator' };
    for (const [file, target] of [
      ['bell.qasm', 'cz'],
      ['bell', 'iswap'],
    ] as const) {
      const said = await bench.ends(0, ['run', file], { ...env, CODA_NATIVE_GATE_SET: target });
      assert.match(said, new RegExp(`^${file}: 2 gates became \\d+ gates of target ${target}$`, 'm'));
      const outcomes = [...said.matchAll(/^ {4}([01]+) /gm)].map(([, outcome = '']) => outcome);
      assert.deepEqual(outcomes.toSorted(), ['00', '11']);
    }
    const printed = await bench.ends(0, ['run', 'native.qasm', '--no-compile', '--json'], env);
    const body = JSON.parse(printed.slice(printed.indexOf('{'))) as Record<string, unknown>;
    assert.deepEqual([body['gates'], body['counts']], [{ source: 1, native: 1 }, { '1': 1000 }]);

    const refused = await bench.ends(1, ['run', 'bell.qasm', '--no-compile'], env);
    assert.match(
      refused,
      /QasmError: bell\.qasm has 2 errors:?\n {2}bell\.qasm:6:1: .*\bh\b.*\n.* \| h q\[0\];\n.* \| \^/,
    );
    assert.match(refused, /\n {2}bell\.qasm:7:1: .*\bcx\b/);
    configure(
      '() => ({ device: { logicalEdges: [[0, 1], [1, 2]] }, run: async () => { throw new Error("not this far"); } })',
    );
    const edge = await bench.ends(1, ['run', 'bell.qasm', '--target', 'cnot']);
    assert.match(
      edge,
      /JobError: bell\.qasm needs edges that the device does not have: 0-2 \(1 gate\)\n.*Routing is out of scope/,
    );
    const unknown = await bench.ends(1, ['run', 'bell.qasm'], { ...env, CODA_NATIVE_GATE_SET: 'xy' });
    assert.match(unknown, /native gate set is 'xy'\n.*name one with --target/);
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

  it('ends with the first Ctrl-C, also before the run', async () => {
    // While it reads the circuit.
    configure('() => { throw new Error("made") }');
    const reading = bench.spawn(['run', '-'], {}, [], true);
    // More than a pipe holds: it has read most of it.
    await new Promise((written) => reading.child.stdin?.write(' '.repeat(1024 * 1024), written));
    reading.child.kill('SIGINT');
    assert.notEqual(await reading.ended, 0);
    // While the driver looks for its device.
    configure(
      '() => { console.log("looking"); return new Promise((found) => setTimeout(found, 3_600_000)); }',
    );
    const looking = bench.spawn(['run', 'bell.json']);
    await looking.says('looking');
    looking.child.kill('SIGINT');
    assert.equal(await looking.ended, 1);
    assert.match(looking.output(), /stopped by the operator/);
  });
});
