// Parsing in pieces gives the value or the error of JSON.parse, for any text and any cut.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseJsonInPieces } from '../../src/protocol/json-pieces.ts';
import { BELL, validCircuits } from './arbitraries.ts';

/** Goes through all steps, and counts the pieces. */
function inPieces(text: string, piece?: number): { value: unknown; pieces: number } {
  const steps = parseJsonInPieces(text, piece);
  for (let pieces = 0; ; pieces++) {
    const { done, value } = steps.next();
    if (done === true) return { value, pieces };
  }
}

/** The value or the error, in a form that shows the order of keys. */
function outcomeOf(parse: () => unknown): unknown {
  try {
    const value = parse();
    return { value, text: JSON.stringify(value) };
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error));
    return { refused: error.message };
  }
}

function isAsJson(text: string, piece?: number): void {
  assert.deepEqual(
    outcomeOf(() => inPieces(text, piece).value),
    outcomeOf((): unknown => JSON.parse(text)),
  );
}

const pieceSizes = fc.nat(60);

/** Texts that may mislead a parser that starts in the middle. */
const TRAPS = [
  '}]',
  '},',
  '} ]',
  '},{',
  '"gates": [',
  '"gates":[{',
  '"',
  '\\',
  '\\"',
  '{"gates":[',
  ']}',
  'é\u2028',
];
const KEYS = ['gates', 'gates', 'a', '__proto__', 'constructor'];
/** Not for objects in lists: JSON.parse of Node 24 (V8 13.6) sometimes mistakes such a key for one that it has seen. */
const ESCAPED_KEYS = ['"gates"', 'x"gates', '\\"gates'];

const spaces = fc.constantFrom('', '', '', ' ', '\n\t', '\r\n  ');
const strings = fc
  .oneof(fc.constantFrom(...TRAPS), fc.string({ maxLength: 4 }))
  .map((text) => JSON.stringify(text));
const keys = fc.constantFrom(...KEYS).map((key) => JSON.stringify(key));
const outerKeys = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...KEYS, ...ESCAPED_KEYS).map((key) => JSON.stringify(key)) },
  // The same key, spelled differently.
  { weight: 1, arbitrary: fc.constantFrom('"\\u0067ates"', '"gate\\u0073"') },
);

/** Texts of JSON values: with any white space, and objects whose keys repeat. */
const { value: values, object: objects } = fc.letrec<{ value: string; list: string; object: string }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom('1', '-0', '2.50', '1e999', 'true', 'null'),
      strings,
      tie('object'),
      tie('list'),
    ),
    list: fc
      .tuple(spaces, spaces, fc.array(tie('value'), { maxLength: 5 }))
      .map(([before, after, items]) => `[${before}${items.join(`${before},${after}`)}${after}]`),
    object: fc
      .tuple(spaces, spaces, fc.array(fc.tuple(keys, tie('value')), { maxLength: 4 }))
      .map(([before, after, entries]) => {
        const inside = entries.map(([key, value]) => `${before}${key}${after}:${before}${value}`);
        return `{${inside.join(`${before},`)}${after}}`;
      }),
  }),
);

/** Simple objects; a text can be cut after most of them. */
const gates = fc
  .tuple(spaces, fc.oneof(strings, fc.constant('[1]')))
  .map(([space, value]) => `{"gate":${space}${value},"b":"é"${space}}`);

/** Texts of objects with a list of objects as `gates`, somewhere between other entries. */
const documents = fc
  .tuple(
    fc.array(fc.tuple(outerKeys, values), { maxLength: 1 }),
    fc.array(fc.oneof({ weight: 8, arbitrary: gates }, { weight: 1, arbitrary: objects }), { maxLength: 8 }),
    fc.array(fc.tuple(outerKeys, values), { maxLength: 1 }),
    spaces,
  )
  .map(([before, items, after, space]) => {
    const list = `[${space}${items.join(`,${space}`)}${space}]`;
    const entries = [...before, ['"gates"', list], ...after];
    return `{${entries.map(([key, value]) => `${key}${space}:${space}${value}`).join(`${space},${space}`)}}`;
  });

const soup = fc
  .array(
    fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '\\',
        '"gates"',
        '"gates":[',
        '"a":1',
        '{}',
        '{"a":[{}]}',
        '},{',
        '}]',
      ],
      ...['"__proto__":{"gates":[{}]}', '1', ' ', '\u00a0', '\u0000', '"}]"', '"},"', 'null', 'x'],
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

/** `texts`, cut off, or with something in place of a part of them. */
function damaged(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(texts, fc.nat(), fc.nat(3), fc.oneof(soup, fc.constant(undefined)))
    .map(([text, at, gone, instead]) => {
      const from = at % (text.length + 1);
      return text.slice(0, from) + (instead === undefined ? '' : instead + text.slice(from + gone));
    });
}

describe('parsing in pieces', () => {
  it('cuts a circuit into pieces', () => {
    const rotations = Array.from({ length: 10_000 }, (_, i) => ({
      gate: 'rx',
      qubits: [i % 2],
      params: [i / 7],
    }));
    const circuit = { ...BELL, gates: rotations };
    const text = JSON.stringify(circuit, undefined, 1);
    const { value, pieces } = inPieces(text);
    assert.deepEqual(value, circuit);
    assert.ok(pieces >= text.length / 80_000 && pieces > 5, `${pieces} pieces of ${text.length} characters`);
  });

  it('cuts any valid circuit, wherever it may be cut', () => {
    fc.assert(
      fc.property(validCircuits, fc.constantFrom(0, 1, 2), (circuit, spacing) => {
        const text = JSON.stringify(circuit, undefined, spacing);
        const { value, pieces } = inPieces(text, 0);
        assert.deepEqual(value, JSON.parse(text));
        assert.equal(pieces, (JSON.parse(text) as { gates: unknown[] }).gates.length);
      }),
    );
  });

  const cases: Record<string, string> = {
    'an empty list': '{"gates":[]}',
    'an empty list, and another one': '{"gates":[],"a":[{"b":1}]}',
    'gates inside something else': '{"a":{"gates":[{"b":1}]},"gates":5}',
    'gates inside something else only': '{"a":{"gates":[{"b":1},{"b":2}]}}',
    'a later key that counts': '{"gates":[{"a":1},{"a":2}],"gates":[{"a":3}]}',
    'an earlier key that does not': '{"gates":1,"a":2,"gates":[{"a":1},{"a":2}]}',
    'a key that ends in "gates"': '{"x\\"gates":[{"a":1}]}',
    'a string like the beginning of the list': '{"a":"\\"gates\\": [{","gates":[{"a":1}]}',
    'a string like the end of the list': '{"gates":[{"a":"}]"},{"a":1}]}',
    'a string like the end of a gate': '{"gates":[{"a":"},"},{"a":"},{"}]}',
    'a list inside a gate': '{"gates":[{"a":[{"b":1},{"b":2}]},{"a":1}]}',
    'gates that are no objects': '{"gates":[1,{"a":1},2]}',
    'gates after gates': '{"gates":[{"a":1}],[{"a":1}]}',
    'a list that closes too early': '{"gates":[{"a":1}],[{"a":2}],"b":[{}]}',
    'a comma after the last gate': '{"gates":[{"a":1},]}',
    'a comma after the last gate, and space': '{"gates":[{"a":1}, \n]}',
    'a comma before the first gate': '{"gates":[,{"a":1}]}',
    'two commas': '{"gates":[{"a":1},,{"a":1}]}',
    'a list in the place of a key': '{"gates":[{"a":1}]:1}',
    'a space that is none in JSON': '{"gates":\u00a0[{"a":1}]}',
    'a space at the end that is none in JSON': '{"gates":[{"a":1}\u00a0]}',
    'a prototype': '{"__proto__":{"gates":[{"a":1}]},"__proto__":1}',
    'a prototype and gates': '{"__proto__":{"a":1},"gates":[{"__proto__":[]},{"a":1}],"b":1}',
    'a list as the document': '["gates",[{"a":1}]]',
    'text after the end': '{"gates":[{"a":1}]}}',
  };
  for (const [what, text] of Object.entries(cases)) {
    it(`is not misled by ${what}`, () => {
      for (const piece of [0, 8, undefined]) isAsJson(text, piece);
    });
  }

  const numRuns = 3000;
  it('is JSON.parse for any document', () => {
    fc.assert(fc.property(fc.oneof({ weight: 4, arbitrary: documents }, values), pieceSizes, isAsJson), {
      numRuns,
    });
  });

  it('is JSON.parse for a damaged document', () => {
    fc.assert(fc.property(damaged(documents), pieceSizes, isAsJson), { numRuns });
  });

  it('is JSON.parse for any text', () => {
    const texts = fc.tuple(soup, soup, soup).map(([a, b, c]) => `{${a}"gates":[{${b}}]${c}}`);
    fc.assert(fc.property(fc.oneof(texts, soup), pieceSizes, isAsJson), { numRuns });
  });
});
