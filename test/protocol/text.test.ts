// Foreign values in error messages: bounded, on one line, unmistakable.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { isPlainObject, kindOf, printable, shown } from '../../src/protocol/text.ts';
import { anyText } from './arbitraries.ts';

it('escapes control characters of terminals and logs', () => {
  assert.equal(
    printable('a\n\t\u001b\u2028\u202e\ud800\u{e0001}é😀', 100),
    'a\\n\\t\\u001b\\u2028\\u202e\\ud800\\udb40\\udc01é😀',
  );
});

it('cuts at whole characters and whole escapes', () => {
  assert.equal(printable('abcdef', 6), 'abcdef');
  assert.equal(printable('abcdefg', 6), 'abcdef…');
  assert.equal(printable('abc\u0007', 6), 'abc…');
  assert.equal(printable('abcde😀', 6), 'abcde…');
});

it('never exceeds its limit, for any text', () => {
  fc.assert(
    fc.property(anyText(), fc.nat(60), (text, max) => {
      const result = printable(text, max);
      assert.ok(result.length <= max + 1);
      assert.doesNotMatch(result, /[\p{Cc}\p{Cf}\p{Cs}]/u);
    }),
    { numRuns: 2000 },
  );
});

it('shows scalars and names everything else', () => {
  const cases: [unknown, string][] = [
    ['x', "'x'"],
    [1.5, '1.5'],
    [NaN, 'NaN'],
    [false, 'false'],
    [null, 'null'],
    [undefined, 'undefined'],
    [5n, 'a BigInt'],
    [Symbol('x'), 'a symbol'],
    [() => 1, 'a function'],
    [[1, 2], 'a list of 2'],
    [{}, 'an object'],
    [Object.create(null), 'an object'],
    [new (class A {})(), 'an instance of a class'],
    [new Map(), 'a Map'],
    [new Int8Array(1), 'an Int8Array'],
  ];
  for (const [value, text] of cases) assert.equal(shown(value), text);
  assert.equal(kindOf('secret'), 'a string');
});

it('knows plain objects', () => {
  for (const value of [{}, Object.create(null)]) assert.equal(isPlainObject(value), true);
  for (const value of [null, [], new Map(), new (class A {})(), 'x', 5])
    assert.equal(isPlainObject(value), false);
});
