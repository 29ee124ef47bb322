// `coda convert` as a process: OpenQASM to NativeGateIR and back.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseIr } from '../../../src/protocol/ir.ts';
import { bell, randomCircuit } from '../../../src/testing/index.ts';
import { put } from '../../config/folder.ts';
import { Bench } from '../operator.ts';

describe('coda convert', () => {
  let bench: Bench;
  const file = (name: string): string => readFileSync(join(bench.folder, name), 'utf8');
  before(() => {
    bench = new Bench({ url: 'http://127.0.0.1:1' });
    put(bench.folder, 'bell.json', JSON.stringify(bell('cz').ir));
    put(
      bench.folder,
      'bell.qasm',
      '\uFEFFOPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n',
    );
  });
  after(() => bench.clear());

  it('keeps gates and measurements there and back, in both versions', async () => {
    const { ir } = randomCircuit(5, 4, 6, 'cnot');
    put(bench.folder, 'a.json', JSON.stringify({ ...ir, measurements: [3, 0, 2] }));
    for (const version of ['2', '3']) {
      await bench.ends(0, ['convert', 'a.json', 'a.qasm', '--qasm-version', version]);
      assert.match(file('a.qasm'), new RegExp(`^OPENQASM ${version}\\.0;`));
      await bench.ends(0, ['convert', 'a.qasm', 'b.json', '--target', 'cnot']);
      const back = parseIr(file('b.json'));
      assert.deepEqual(back.measurements, [3, 0, 2]);
      assert.equal(back.gates.length, ir.gates.length);
      for (const [index, { gate, qubits, params }] of back.gates.entries()) {
        assert.deepEqual([gate, qubits], [ir.gates[index]?.gate, ir.gates[index]?.qubits]);
        assert.ok(
          params.every((param, at) => Math.abs(param - (ir.gates[index]?.params[at] ?? NaN)) < 1e-12),
        );
      }
    }
  });

  it('translates only if it is told to, and says how many gates it made', async () => {
    const refused = await bench.ends(1, ['convert', 'bell.qasm', 'none.json', '--target', 'cz']);
    assert.match(refused, /bell\.qasm:5:1: .*h\b[^]*→ coda convert --compile translates it/);
    assert.throws(() => file('none.json'), { code: 'ENOENT' });
    const said = await bench.ends(0, ['convert', 'bell.qasm', 'made.json', '--target', 'cz', '--compile']);
    assert.match(said, /^bell\.qasm: 2 gates became \d+ gates of target cz\n$/);
    assert.equal(parseIr(file('made.json')).target, 'cz');
    // One gate a line, for people and for diff.
    assert.match(file('made.json'), /\n {4}\{"gate":"\w+","qubits":\[\d\],"params":\[[^\]]*\]\},\n/);
  });

  it('replaces an output that exists, and reads and writes standard input and output', async () => {
    put(bench.folder, 'old.qasm', 'old');
    await bench.ends(0, ['convert', 'bell.json', 'old.qasm']);
    assert.match(file('old.qasm'), /^OPENQASM 3/);
    assert.equal(await bench.ends(0, ['convert', 'bell.json']), file('old.qasm'));
    const piped = bench.spawn(['convert', '-', '-', '--to', 'json'], {}, [
      'sh',
      '-c',
      '"$@" < bell.json',
      'sh',
    ]);
    assert.equal(await piped.ended, 0, piped.output());
    assert.deepEqual(parseIr(piped.output()), parseIr(file('bell.json')));
  });

  it('waits for a reader that is slow', async () => {
    put(bench.folder, 'large.json', JSON.stringify(randomCircuit(1, 50, 200, 'cz').ir));
    await bench.ends(0, ['convert', 'large.json', 'large.qasm']);
    // Longer than a command's process stays for what keeps it alive, and more than a pipe holds.
    const slowly = ['sh', '-c', '"$@" | { read -r _; sleep 1; wc -l; }', 'sh'];
    const piped = bench.spawn(['convert', 'large.json'], {}, slowly);
    await piped.ended;
    assert.equal(Number(piped.output()), file('large.qasm').split('\n').length - 2);
    assert.ok(file('large.qasm').length > 200_000);
  });

  it('refuses wrong use, and says what cannot be written', async () => {
    assert.match(
      await bench.ends(2, ['convert', 'bell.json', '--to', 'qpy']),
      /--to is "qpy"; it must be one of json, qasm/,
    );
    assert.match(await bench.ends(2, ['convert', 'bell.json', '--qasm-version', '4']), /must be one of 2, 3/);
    assert.match(await bench.ends(1, ['convert', 'bell.json', 'no/a.qasm']), /no\/a\.qasm cannot be written/);
    assert.match(await bench.ends(1, ['convert', 'bell.qasm', '--from', 'json']), /circuit is OpenQASM 3\.0/);
  });
});
