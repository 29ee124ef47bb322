// How a moment on the command line is read: by the clock that the command shows times by, whatever the time zone.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { momentOption, periodOptions } from '../../../src/cli/terminal/options.ts';

describe('a moment on the command line', () => {
  const zone = process.env['TZ'];
  after(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });
  const read = (text: string, of: '' | 'Z' = ''): string =>
    new Date(momentOption('--since', text, of) ?? NaN).toISOString();

  it('is local without a zone, a day as well as a time of day', () => {
    for (const [tz, midnight] of [
      ['UTC', '2026-11-28T00:00:00.000Z'],
      ['Pacific/Auckland', '2026-11-27T11:00:00.000Z'],
      ['America/New_York', '2026-11-28T05:00:00.000Z'],
    ] as const) {
      process.env['TZ'] = tz;
      for (const text of ['2026-11-28', '2026-11-28T00:00', '2026-11-28 00:00:00']) {
        assert.equal(read(text), midnight, `${text} in ${tz}`);
        assert.equal(read(text, 'Z'), '2026-11-28T00:00:00.000Z');
      }
      assert.equal(read('2026-11-28T02:00Z'), '2026-11-28T02:00:00.000Z');
      assert.equal(read('2026-11-28T02:00:30.5+01:00'), '2026-11-28T01:00:30.500Z');
    }
  });

  it('is refused if it is none', () => {
    for (const text of [
      '',
      'noon',
      '2026-13-40',
      '2026-11-28T',
      '2026-11-28T25:00',
      '2026-11-28x',
      '1h30m',
      '-1h',
      '0s',
    ]) {
      assert.throws(() => read(text), {
        name: 'Error',
        message: new RegExp(`--since is "${text}"; it must be`),
      });
    }
  });

  it('is not after another one that ends the time', () => {
    const period = (since: string, until?: string): unknown =>
      periodOptions(until === undefined ? { since } : { since, until });
    assert.throws(() => period('1h', '2h'), /--since \(1h\) is not before --until \(2h\)/);
    assert.throws(() => period('2026-11-28', '2026-11-28'), /is not before --until/);
    assert.throws(() => period('2999-01-01'), /--since is 2999-01-01, which is in the future/);
    assert.ok(period('2h', '1h'));
    assert.deepEqual(periodOptions({}), { since: undefined, until: undefined });
  });
});
