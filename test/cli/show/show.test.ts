// `coda show` as a process: what a circuit looks like, and its figures.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { join } from 'node:path';
import { bell, ghz, randomCircuit } from '../../../src/testing/index.ts';
import { put } from '../../config/folder.ts';
import { Bench } from '../operator.ts';

const UTF8 = { LANG: 'C.UTF-8' };

describe('coda show', () => {
  let bench: Bench;
  before(() => {
    bench = new Bench({ url: 'http://127.0.0.1:1' });
    put(bench.folder, 'bell.json', JSON.stringify(bell('cnot').ir));
    put(
      bench.folder,
      'bell.qasm',
      'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n',
    );
    put(bench.folder, 'large.json', JSON.stringify(randomCircuit(1, 50, 300, 'cz').ir));
  });
  after(() => bench.clear());

  it('draws a circuit, with its figures below', async () => {
    assert.equal(
      await bench.ends(0, ['show', 'bell.json'], UTF8),
      [
        'q0: ─┤y-90├─┤vz(π)├─●─┤M├═ c0',
        '                    │',
        'q1: ────────────────⊕─┤M├═ c1',
        '',
        'target           cnot',
        'qubits           2 of 2 used',
        'gates            3 (cnot 1, virtual_z 1, y_minus_90 1)',
        'two-qubit gates  1',
        'depth            3, of two-qubit gates alone 1',
        'measurements     2',
        '',
      ].join('\n'),
    );
  });

  it('uses ASCII on request, and where the locale is not UTF-8', async () => {
    const drawn = 'q0: -[y-90]-[vz(pi)]-@-[M]= c0\n                     |\nq1: -----------------X-[M]= c1\n';
    for (const [args, env] of [
      [['--ascii'], UTF8],
      [[], { LC_ALL: 'POSIX', LANG: 'de_DE.UTF-8' }],
    ] as const) {
      const text = await bench.ends(0, ['show', 'bell.json', ...args], env);
      assert.ok(text.startsWith(drawn), text);
      assert.match(text, /^[\n -~]*$/);
    }
  });

  it('folds a wide circuit at the width, and cuts a long one unless all is wanted', async () => {
    const short = await bench.ends(0, ['show', 'large.json', '--width', '60'], UTF8);
    const lines = short.split('\n');
    assert.ok(
      lines.every((line) => line.length <= 60 || line.startsWith('gates ')),
      short,
    );
    assert.equal(lines.filter((line) => /^… \d+ gates in \d+ columns are left out …$/.test(line)).length, 1);
    const full = await bench.ends(0, ['show', 'large.json', '--width', '60', '--full'], UTF8);
    assert.doesNotMatch(full, /left out/);
    assert.ok(full.length > 10 * short.length);
  });

  it('reads OpenQASM, from a file or standard input, as the native gates of the device', async () => {
    const text = await bench.ends(0, ['show', 'bell.qasm', '--json'], { CODA_NATIVE_GATE_SET: 'iswap' });
    const figures = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual([figures['target'], figures['source_gates'], figures['measurements']], ['iswap', 2, 2]);
    const piped = bench.spawn(['show', '-'], UTF8, ['sh', '-c', '"$@" < bell.qasm', 'sh']);
    assert.equal(await piped.ended, 0, piped.output());
    assert.match(piped.output(), /^target {11}cz$/m);
    assert.match(
      await bench.ends(0, ['show', 'bell.qasm', '--target', 'pcz'], UTF8),
      /p\(π\)[^]*, from 2 gates of OpenQASM/,
    );
    const refused = await bench.ends(1, ['show', 'bell.qasm', '--no-compile', '--target', 'cz']);
    assert.match(refused, /bell\.qasm:5:1: .*h\b/);
    assert.match(refused, /bell\.qasm:6:1: .*cx\b/);
  });

  it('writes a picture to a file or to standard output', async () => {
    assert.match(await bench.ends(0, ['show', 'bell.json', '--svg=bell.svg']), /^wrote bell\.svg\n$/);
    const svg = readFileSync(join(bench.folder, 'bell.svg'), 'utf8');
    assert.match(svg, /^<svg xmlns[^]*The circuit of bell\.json, for target cnot[^]*<\/svg>\n$/);
    assert.equal(await bench.ends(0, ['show', 'bell.json', '--svg']), svg);
    assert.match(
      await bench.ends(1, ['show', 'bell.json', '--svg=no/bell.svg']),
      /cannot be written to no\/bell\.svg/,
    );
    assert.match(await bench.ends(2, ['show', 'bell.json', '--svg', '--json']), /both go to standard output/);
  });

  it('has the time of a shot if the device YAML has the gate times', async () => {
    const times = (text: string): string => put(bench.folder, 'site/device.yaml', `gate_times_ns: ${text}\n`);
    put(bench.folder, 'ghz.json', JSON.stringify(ghz(3, 'cnot').ir));
    times('{y_minus_90: 20, virtual_z: 0, cnot: 200, measure: 1000, cx: 3}');
    const text = await bench.ends(0, ['show', 'ghz.json'], UTF8);
    assert.match(text, /^time {13}about 1\.42µs a shot \(gate times of .*site\/device\.yaml\)$/m);
    assert.match(text, /^warning: cx of gate_times_ns in .*device\.yaml is not used; the names are rx, /m);
    times('{virtual_z: 0, cnot: -1}');
    const missing = await bench.ends(0, ['show', 'ghz.json', '--device-config', 'site/device.yaml'], UTF8);
    assert.match(
      missing,
      /^time {13}not known: site\/device\.yaml has no gate_times_ns for y_minus_90, cnot$/m,
    );
    assert.match(missing, /cnot of gate_times_ns .* must be nanoseconds, 0 or more, and is -1/);
    put(bench.folder, 'site/device.yaml', 'qubits: 3\n');
    assert.doesNotMatch(await bench.ends(0, ['show', 'ghz.json'], UTF8), /^time/m);
    assert.match(
      await bench.ends(1, ['show', 'ghz.json', '--device-config', 'site/device.yaml']),
      /has no gate_times_ns/,
    );
    assert.match(
      await bench.ends(1, ['show', 'ghz.json', '--device-config', 'none.yaml']),
      /none\.yaml cannot be read/,
    );
  });
});
