// Programs that nobody should write: a megabyte of anything ends, with an error or with a circuit, and never in another
// way. QASM_FUZZ=100000 sets how many damaged programs are read; a failure prints its seed.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TARGETS, validateIr, type NativeGateIR } from '../../src/protocol/ir.ts';
import { parseQasm, printQasm, QasmError, type QasmOptions } from '../../src/qasm/index.ts';
import { anyText } from '../protocol/arbitraries.ts';
import { randomProgram } from './random-programs.ts';

const RUNS = Number(process.env['QASM_FUZZ'] ?? 3_000);
const MEGABYTE = 1_000_000;
/** Far above what it takes, since the machine may be busy. */
const MOST_MS = 10_000;

/** The circuit; undefined if the program is refused with an error of ours. */
function attempted(text: string, options: QasmOptions): NativeGateIR | undefined {
  try {
    const { circuit } = parseQasm(text, options);
    validateIr(circuit);
    return circuit;
  } catch (thrown) {
    assert.ok(thrown instanceof QasmError, thrown instanceof Error ? thrown.stack : String(thrown));
    assert.ok(
      thrown.diagnostics.length <= 10 && thrown.message.length < 10_000,
      thrown.message.slice(0, 500),
    );
    return undefined;
  }
}

const filled = (piece: string, head = 'qubit[2] q; '): string =>
  head + piece.repeat(Math.ceil(MEGABYTE / piece.length));

describe('a megabyte of', () => {
  const nested = Array.from({ length: 20_000 }, (_, k) => `gate g${k + 1} a { g${k} a; g${k} a; }`).join(
    '\n',
  );
  const chain = Array.from({ length: 20_000 }, (_, k) => `gate g${k + 1} a { g${k} a; }`).join('\n');
  for (const [what, text, message] of [
    ['opening parentheses', filled('(', 'qubit q; rx('), /levels inside one another/],
    ['minus signs', filled('-', 'qubit q; rx('), /levels inside one another/],
    ['powers', `${filled('2.0**', 'qubit q; rx(')}1) q;`, /levels inside one another/],
    [
      'additions',
      `${filled('x+', 'gate g(x) a { rx(')}x) a; } qubit q; g(1) q;`,
      /operations inside one another/,
    ],
    ['additions of constants', `${filled('1.0+', 'qubit q; rx(')}1) q;`, undefined],
    ['opening braces', filled('{'), /levels inside one another/],
    ['boxes', filled('box {'), /levels inside one another/],
    ['closing braces', filled('} '), /cannot stand here/],
    ['digits', `${filled('9', 'qubit q; rx(')}) q;`, /too large/],
    ['an exponent', `${filled('9', 'qubit q; rx(1e')}) q;`, /too large/],
    ['one name', `${filled('x', 'qubit q; rx(')}) q;`, /no constant 'x{40}…'/],
    ['names without a gate', filled('a b; '), /no gate 'a'/],
    ['comments', filled('/**/ //\n'), undefined],
    ['unclosed comments', filled('/* '), /never closed/],
    ['quotes', filled('"'), /has no meaning|cannot stand here/],
    ['quotes that are not closed', filled('"\n'), /not closed on its line/],
    ['spaces behind a number', `qubit q; rx(1${' '.repeat(MEGABYTE)}) q;`, undefined],
    ['semicolons', filled(';'), undefined],
    ['modifiers', `${filled('inv @ ')}rx(1) q[0];`, undefined],
    ['controls', `${filled('ctrl @ ')}rx(1) q[0];`, /takes \d+ qubits, got 1/],
    ['annotations', filled('@a b\n'), undefined],
    ['pragmas', filled('pragma a b\n'), undefined],
    ['registers of bits', filled('bit[100000] c; '), /bits|declared twice/],
    ['broadcasts', filled('rx(1) q;', 'qubit[50] q; '), /more than 500000 gates|more than 1000000 steps/],
    [
      'loops',
      `qubit q; ${'for int i in [0:9] '.repeat(90)} rx(1) q;`,
      /this loop over 'i'.*(?:gates|more than 1000000 steps)/,
    ],
    [
      'a loop',
      'qubit q; for int i in [0:9000000000000000] { }',
      /this loop over 'i'.*more than 1000000 steps/,
    ],
    [
      'loops with long expressions',
      `gate g(x) a { for int i in [0:1000000] rx(${'x+'.repeat(250)}x) a; } qubit q; g(1) q;`,
      /more than 1000000 steps/,
    ],
    [
      'gates that double',
      `gate g0 a { rx(1) a; } ${nested} qubit q; g150 q;`,
      /gates inside one another|more than 1000000 steps|more than/,
    ],
    [
      'gates that double, doing nothing',
      `gate g0 a { } ${nested} qubit q; g150 q;`,
      /gates inside one another|more than 1000000 steps/,
    ],
    ['gates in gates', `gate g0 a { rx(1) a; } ${chain} qubit q; g20000 q;`, /gates inside one another/],
    [
      'a power',
      'qubit[2] q; gate g a { rx(1) a; h a; } pow(1000000) @ g q[0];',
      /more than 1000000 steps|gates/,
    ],
    [
      'powers of powers',
      `gate g a { rx(1) a; h a; } qubit q; ${'pow(1000) @ '.repeat(10)} g q;`,
      /more than 1000000 steps|gates/,
    ],
    ['a large power', 'qubit q; pow(1e300) @ rx(1) q;', /a power above/],
    ['NUL', filled('\u0000'), /no meaning here/],
    ['halves of characters', filled('\ud800'), /no meaning here/],
    ['letters that are none', filled('π'), /no gate|cannot stand/],
  ] as const) {
    it(`${what} ends${message === undefined ? '' : ' with an error'}`, () => {
      const begin = performance.now();
      if (message === undefined) {
        attempted(text, { target: 'cz', compile: true });
      } else {
        assert.throws(
          () => parseQasm(text, { target: 'cz', compile: true }),
          (thrown) => {
            assert.ok(thrown instanceof QasmError, thrown instanceof Error ? thrown.stack : '');
            assert.match(thrown.message, message);
            assert.ok(thrown.message.length < 10_000);
            return true;
          },
        );
      }
      assert.ok(performance.now() - begin < MOST_MS, `${performance.now() - begin} ms`);
    });
  }
});

describe('damaged programs', () => {
  const folder = join('test', 'qasm', 'fixtures');
  const programs = [
    ...readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')),
    ...Array.from({ length: 50 }, (_, seed) => randomProgram(seed + 1).text),
  ];
  const tokens = [...new Set(programs.flatMap((text) => text.match(/\w+|[^\w\s]+/g) ?? []))];
  const NASTY = [
    '\u0000',
    '\u202e',
    '\ud800',
    '"',
    '/*',
    '//',
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    ';',
    '@',
    '$',
    '#',
    '-',
    '**',
    '1e999',
    '9'.repeat(30),
  ];
  const WORDS = [
    'for int i in [0:3]',
    'ctrl @ ',
    'inv @ ',
    'pow(2) @ ',
    'pow(0.5) @ ',
    'negctrl(2) @ ',
    'gate g(x) a, b {',
    'const float x = ',
    'measure',
    'let',
    'box',
    'delay[',
    'gphase(',
    'opaque',
    '$0',
    'q[0:1]',
    'q[-1]',
    'OPENQASM 2.0;',
  ];
  const piece = fc.oneof(
    fc.constantFrom(...tokens),
    fc.constantFrom(...NASTY),
    fc.constantFrom(...WORDS),
    anyText(20),
  );
  /** Pieces put in, taken out, doubled or replaced; or only a digit that is another one. */
  const edited = (text: string): fc.Arbitrary<string> => {
    const edit = fc.tuple(
      fc.nat(text.length),
      fc.nat(30),
      piece,
      fc.constantFrom('put', 'cut', 'double', 'replace'),
    );
    return fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) =>
      edits.reduce((all, [at, length, put, how]) => {
        const behind = how === 'put' ? at : at + length;
        const middle = how === 'cut' ? '' : how === 'double' ? all.slice(at, behind).repeat(2) : ` ${put} `;
        return all.slice(0, at) + middle + all.slice(behind);
      }, text),
    );
  };
  const redigited = (text: string): fc.Arbitrary<string> =>
    fc
      .tuple(fc.nat(text.length), fc.nat(9))
      .map(([at, digit]) => text.slice(0, at) + text.slice(at).replace(/\d/, String(digit)));
  const damaged = fc.constantFrom(...programs).chain((text) => fc.oneof(edited(text), redigited(text)));
  const seed = Number(process.env['FUZZ_SEED']);

  it(`are read or refused, all of ${RUNS}; what is read can be written and read again`, () => {
    let taken = 0;
    fc.assert(
      fc.property(
        damaged,
        fc.constantFrom(...TARGETS, ...TARGETS, undefined),
        fc.constantFrom(true, true, true, false),
        (text, target, compile) => {
          const circuit = attempted(text, { compile, ...(target === undefined ? {} : { target }) });
          if (circuit === undefined) return;
          taken += 1;
          const again = parseQasm(printQasm(circuit), { target: circuit.target }).circuit;
          assert.deepEqual({ ...again, metadata: 0 }, { ...circuit, metadata: 0 });
        },
      ),
      { numRuns: RUNS, ...(Number.isNaN(seed) ? {} : { seed }) },
    );
    assert.ok(taken > RUNS / 10, `${taken} are good`);
  });
});
