// The beginning of an answer of Redis: whatever was cut off behind it, the whole strings are found.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringsIn } from '../../src/queue/reply-limit.ts';

describe('the strings in the beginning of an answer', () => {
  it('are those that are whole, wherever it was cut', () => {
    const texts = fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { maxLength: 6 });
    fc.assert(
      fc.property(texts, fc.nat(), (strings, cut) => {
        const parts = strings.map((text) => Buffer.from(`$${Buffer.byteLength(text)}\r\n${text}\r\n`));
        const start = Buffer.from(`*1\r\n*${strings.length}\r\n`);
        const whole = Buffer.concat([start, ...parts]);
        assert.deepEqual(
          stringsIn(whole),
          strings.map((text) => Buffer.from(text).toString()),
        );
        const found = stringsIn(whole.subarray(0, cut % (whole.length + 1)));
        assert.deepEqual(found, stringsIn(whole).slice(0, found.length));
      }),
    );
  });

  it('are none in what is no answer', () => {
    for (const text of ['', '$', '$-1\r\n', '$5\r\nab', '-ERR x\r\n'])
      assert.deepEqual(stringsIn(Buffer.from(text)), []);
  });
});
