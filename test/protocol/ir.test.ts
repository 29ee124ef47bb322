// Circuits: every rule of NativeGateIR by example, then any input at all.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { JobError } from '../../src/errors.ts';
import { GATES, type GateName, LEGAL_GATES, parseIr, TARGETS, validateIr } from '../../src/protocol/ir.ts';
import { anyText, BELL, METADATA, mutated, validCircuits } from './arbitraries.ts';

/** The message of the JobError that `value` is refused with. */
function refusal(value: unknown): string {
  try {
    parseIr(JSON.stringify(value));
  } catch (error) {
    assert.ok(error instanceof JobError, `expected a JobError, got ${String(error)}`);
    assert.equal(error.code, 'CODA_JOB');
    return error.message;
  }
  return assert.fail('the circuit was accepted');
}

const withGates = (...gates: unknown[]): unknown => ({ ...BELL, gates });

describe('parseIr', () => {
  it('returns a valid circuit as it was sent', () => {
    assert.deepEqual(parseIr(JSON.stringify(BELL)), BELL);
  });

  it('fills the defaults', () => {
    const ir = parseIr(
      JSON.stringify({
        target: 'cnot',
        num_qubits: 2,
        gates: [
          { gate: 'x90', qubits: [0] },
          { gate: 'rx', qubits: [1], params: [0.5] },
        ],
        measurements: [],
        metadata: METADATA,
      }),
    );
    assert.deepEqual(ir, {
      version: '1.0',
      target: 'cnot',
      num_qubits: 2,
      gates: [
        { gate: 'x90', qubits: [0], params: [] },
        { gate: 'rx', qubits: [1], params: [0.5] },
      ],
      measurements: [],
      metadata: { ...METADATA, compiler_version: '0.1.0', optimization_level: 2 },
    });
  });

  it('ignores unknown fields', () => {
    const sent = { ...BELL, extra: { deep: [1] }, metadata: { ...BELL.metadata, more: null } };
    assert.deepEqual(parseIr(JSON.stringify(sent)), BELL);
  });

  it('takes an empty circuit, repeated measurements and integers written as 2.0', () => {
    const text = JSON.stringify({ ...BELL, gates: [], measurements: [1, 1, 0] });
    const ir = parseIr(text.replace('"num_qubits":2', '"num_qubits":2.0'));
    assert.deepEqual(ir.measurements, [1, 1, 0]);
    assert.equal(ir.num_qubits, 2);
  });

  it('refuses text that is not JSON, with an error on one line', () => {
    for (const text of ['{', 'None', '{"a":\u0007\u202e\n}', "{'target': 'cz'}"]) {
      assert.throws(
        () => parseIr(text),
        (error) => {
          assert.ok(error instanceof JobError);
          assert.match(error.message, /^ir_json is not JSON: /);
          assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}]/u);
          return true;
        },
      );
    }
    assert.throws(() => parseIr(undefined), new JobError('the job has no ir_json'));
  });

  it('refuses a number too large for a double', () => {
    const text = JSON.stringify(withGates({ gate: 'rx', qubits: [0], params: [7] }));
    assert.throws(
      () => parseIr(text.replace('[7]', '[1e999]')),
      /gates\[0\]\.params\[0\] must be a finite number, got Infinity/,
    );
    assert.throws(
      () => parseIr(text.replace('[0]', '[1e999]')),
      /gates\[0\]\.qubits\[0\] must be integer, got Infinity/,
    );
  });

  it('is not misled by __proto__', () => {
    const text = JSON.stringify(BELL).replace('"gate":"ry"', '"__proto__":{"gate":"ry"}');
    assert.throws(() => parseIr(text), /gates\[0\] has no 'gate'/);
  });
});

describe('the rules of a circuit', () => {
  const cases: [string, unknown, string][] = [
    ['a list', [], 'the document must be object, got a list of 0'],
    ['null', null, 'the document must be object, got null'],
    ['another version', { ...BELL, version: '1.1' }, "version must be '1.0', got '1.1'"],
    ['a numeric version', { ...BELL, version: 1 }, "version must be '1.0', got 1"],
    ['an unknown target', { ...BELL, target: 'xy' }, "target 'xy' is not one of cz, iswap, pcz, cnot"],
    [
      'an inherited target',
      { ...BELL, target: 'toString' },
      "target 'toString' is not one of cz, iswap, pcz, cnot",
    ],
    ['no qubits', { ...BELL, num_qubits: 0 }, 'num_qubits must be >= 1, got 0'],
    ['51 qubits', { ...BELL, num_qubits: 51 }, 'num_qubits must be <= 50, got 51'],
    ['half a qubit', { ...BELL, num_qubits: 1.5 }, 'num_qubits must be integer, got 1.5'],
    ['a quoted number', { ...BELL, num_qubits: '2' }, "num_qubits must be integer, got '2'"],
    ['true for 1', { ...BELL, num_qubits: true }, 'num_qubits must be integer, got true'],
    ['gates as object', { ...BELL, gates: {} }, 'gates must be array, got an object'],
    ['a gate as string', withGates('rx'), "gates[0] must be object, got 'rx'"],
    ['a gate without qubits', withGates({ gate: 'rx', params: [1] }), "gates[0] has no 'qubits'"],
    [
      'params null',
      withGates({ gate: 'x90', qubits: [0], params: null }),
      'gates[0].params must be array, got null',
    ],
    [
      'a qubit as string',
      withGates({ gate: 'rx', qubits: ['0'], params: [1] }),
      "gates[0].qubits[0] must be integer, got '0'",
    ],
    [
      'a param as string',
      withGates({ gate: 'rx', qubits: [0], params: ['pi'] }),
      "gates[0].params[0] must be a finite number, got 'pi'",
    ],
    [
      'an unknown gate',
      withGates({ gate: 'h', qubits: [0] }),
      "gates[0]: unknown gate 'h' (legal for target 'cz': rx ry rz cz id)",
    ],
    [
      'an inherited gate',
      withGates({ gate: 'constructor', qubits: [0] }),
      "gates[0]: unknown gate 'constructor' (legal for target 'cz': rx ry rz cz id)",
    ],
    [
      'an illegal gate',
      withGates({ gate: 'cnot', qubits: [0, 1] }),
      "gates[0]: 'cnot' is not legal for target 'cz' (legal: rx ry rz cz id)",
    ],
    [
      'a qubit too few',
      withGates(...BELL.gates, { gate: 'cz', qubits: [0] }),
      "gates[2]: 'cz' takes 2 qubits, got 1",
    ],
    [
      'a qubit too many',
      withGates({ gate: 'rx', qubits: [0, 1], params: [1] }),
      "gates[0]: 'rx' takes 1 qubit, got 2",
    ],
    ['a param too few', withGates({ gate: 'rx', qubits: [0] }), "gates[0]: 'rx' takes 1 param, got 0"],
    [
      'a param too many',
      withGates({ gate: 'cz', qubits: [0, 1], params: [1] }),
      "gates[0]: 'cz' takes 0 params, got 1",
    ],
    [
      'a qubit out of range',
      withGates({ gate: 'rx', qubits: [2], params: [1] }),
      'gates[0]: qubit 2 is outside 0 to 1',
    ],
    ['a negative qubit', withGates({ gate: 'cz', qubits: [0, -1] }), 'gates[0]: qubit -1 is outside 0 to 1'],
    [
      'one qubit twice',
      withGates({ gate: 'cz', qubits: [1, 1] }),
      "gates[0]: 'cz' takes two different qubits, got 1 twice",
    ],
    [
      'a measurement out of range',
      { ...BELL, measurements: [0, 2] },
      'measurements[1]: qubit 2 is outside 0 to 1',
    ],
    [
      'a negative measurement',
      { ...BELL, measurements: [-1] },
      'measurements[0]: qubit -1 is outside 0 to 1',
    ],
    [
      'a fractional measurement',
      { ...BELL, measurements: [0.5] },
      'measurements[0] must be integer, got 0.5',
    ],
    ['no metadata', { ...BELL, metadata: undefined }, "the document has no 'metadata'"],
    ['no source_hash', { ...BELL, metadata: { compiled_at: '' } }, "metadata has no 'source_hash'"],
    [
      'compiled_at as number',
      { ...BELL, metadata: { ...METADATA, compiled_at: 5 } },
      'metadata.compiled_at must be string, got 5',
    ],
    [
      'optimization 4',
      { ...BELL, metadata: { ...METADATA, optimization_level: 4 } },
      'metadata.optimization_level must be <= 3, got 4',
    ],
  ];
  for (const [name, value, fault] of cases) {
    it(`refuses ${name}`, () => assert.equal(refusal(value), `invalid circuit: ${fault}`));
  }

  for (const field of ['target', 'num_qubits', 'gates', 'measurements', 'metadata']) {
    it(`requires ${field}`, () => {
      assert.equal(
        refusal({ ...BELL, [field]: undefined }),
        `invalid circuit: the document has no '${field}'`,
      );
    });
  }

  it('allows each gate for exactly the targets of the table', () => {
    for (const target of TARGETS) {
      for (const [gate, arity] of Object.entries(GATES)) {
        const circuit = {
          ...BELL,
          target,
          gates: [{ gate, qubits: [0, 1].slice(0, arity.qubits), params: [1].slice(0, arity.params) }],
        };
        if (LEGAL_GATES[target].includes(gate as GateName)) assert.deepEqual(validateIr(circuit), circuit);
        else assert.match(refusal(circuit), /is not legal for target/);
      }
    }
  });

  it('shortens and escapes quotations', () => {
    const nasty = '\u001b[2J\u202e\ud800' + 'é😀'.repeat(10_000);
    for (const value of [
      { ...BELL, target: nasty },
      { ...BELL, version: nasty },
      { ...BELL, num_qubits: nasty },
      withGates({ gate: nasty, qubits: [0] }),
    ]) {
      const message = refusal(value);
      assert.match(message, /'\\u001b\[2J\\u202e\\ud800é😀[^']*…'/);
      assert.ok(message.length < 300, message);
    }
  });
});

describe('validateIr', () => {
  it('leaves its input as it is', () => {
    const sent = Object.freeze({
      ...BELL,
      gates: Object.freeze([Object.freeze({ gate: 'cz', qubits: [0, 1] })]),
    });
    assert.deepEqual(validateIr(sent).gates, [{ gate: 'cz', qubits: [0, 1], params: [] }]);
    assert.deepEqual(sent.gates, [{ gate: 'cz', qubits: [0, 1] }]);
  });

  it('refuses NaN and other values that JSON cannot carry', () => {
    const nan = { ...BELL, gates: [{ gate: 'rx', qubits: [0], params: [NaN] }] };
    assert.throws(() => validateIr(nan), /gates\[0\]\.params\[0\] must be a finite number, got NaN/);
    assert.throws(() => validateIr({ ...BELL, num_qubits: 2n }), /num_qubits must be integer, got a BigInt/);
    assert.throws(() => validateIr({ ...BELL, gates: new Map() }), /gates must be array, got a Map/);
  });

  it('finds a fault at the end of a long circuit', () => {
    const gates = Array.from({ length: 100_000 }, () => BELL.gates[0]);
    assert.equal(validateIr({ ...BELL, gates }).gates.length, 100_000);
    assert.match(
      refusal({ ...BELL, gates: [...gates, { gate: 'cz', qubits: [0, 0] }] }),
      /gates\[100000\]: 'cz'/,
    );
  });
});

describe('any circuit', () => {
  it('that is valid comes back unchanged', () => {
    fc.assert(
      fc.property(validCircuits, (circuit) => {
        // -0 becomes 0 in JSON, so both sides have been through it.
        const text = JSON.stringify(circuit);
        assert.deepEqual(parseIr(text), JSON.parse(text));
      }),
      { numRuns: 1500 },
    );
  });

  const neverCrashes = (value: unknown): void => {
    const text = JSON.stringify(value);
    try {
      const ir = parseIr(text);
      for (const { gate, qubits, params } of ir.gates) {
        assert.ok(LEGAL_GATES[ir.target].includes(gate));
        assert.equal(qubits.length, GATES[gate].qubits);
        assert.equal(new Set(qubits).size, qubits.length);
        assert.equal(params.length, GATES[gate].params);
        assert.ok(params.every(Number.isFinite));
      }
      for (const qubit of [...ir.measurements, ...ir.gates.flatMap((gate) => gate.qubits)]) {
        assert.ok(Number.isInteger(qubit) && qubit >= 0 && qubit < ir.num_qubits);
      }
    } catch (error) {
      assert.ok(error instanceof JobError, String(error));
      assert.ok(error.message.length <= 500);
      assert.doesNotMatch(error.message, /[\p{Cc}\p{Cs}]/u);
    }
  };

  it('that is damaged is refused by a short JobError or is still valid', () => {
    fc.assert(fc.property(mutated(validCircuits), neverCrashes), { numRuns: 3000 });
  });

  it('that is any JSON is refused by a short JobError', () => {
    fc.assert(fc.property(fc.jsonValue(), neverCrashes), { numRuns: 2000 });
  });

  it('that is any text is refused by a short JobError', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        assert.throws(
          () => parseIr(text),
          (error) =>
            error instanceof JobError && error.message.length <= 500 && !/\p{Cc}/u.test(error.message),
        );
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the precompiled validators', () => {
  it('load nothing', async () => {
    const code = await readFile(new URL('../../src/protocol/validators.js', import.meta.url), 'utf8');
    assert.doesNotMatch(code, /\brequire\(|\bimport\b/);
  });
});
