// Which hours count for a slope, and that growth breaks a promise.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planOf } from '../command-line.ts';
import type { HourFigures } from '../play.ts';
import { reportOf, textOf } from '../report.ts';
import { growthOf } from './growth.ts';

/** Five days of ten minutes; the last one is another life. */
function hoursWith(own: (at: number, day: number) => Partial<HourFigures>): HourFigures[] {
  return Array.from({ length: 120 }, (_, at) => {
    const day = Math.floor(at / 24);
    const life = day < 4 ? 'node#1' : 'node#2';
    const flat = { rssMb: 100, heapMb: 20, descriptors: 30, historyMb: 3, otherDiskMb: 2, loopDelayMs: 10 };
    return {
      ...{ day, hour: at % 24, name: 'any', life, hours: (at + 1) / 144, millionJobs: at / 100 },
      ...flat,
      ...own(at, day),
    };
  });
}

function verdicts(hours: readonly HourFigures[]): Record<string, string> {
  return Object.fromEntries(growthOf(hours).map(({ name, verdict }) => [name, verdict]));
}

describe('the growth of a soak', () => {
  it('breaks a promise', () => {
    const hours = hoursWith((at) => ({ heapMb: 20 + at / 10 }));
    const played = { hours, faults: {}, jobs: 1, repeats: 0, cutOff: 0, broken: [] };
    const report = reportOf(played, planOf(50), 7);
    assert.match(
      report.broken.join('\n'),
      /^heap after a collection grows by \+14\.4 ± 0\.000 MiB an hour, more than 1$/,
    );
    assert.match(textOf(report), /^heap after a collection, MiB .* grows$/m);
    assert.match(textOf(report), /^broken promises: 1; seed 7$/m);
  });

  it('is none in the warm-up, and none between the hours of a day', () => {
    const hours = hoursWith((at, day) => ({ heapMb: day === 0 ? at : 24, rssMb: 100 + 10 * (at % 24) }));
    assert.equal(verdicts(hours)['heap after a collection'], 'does not grow');
    assert.equal(verdicts(hours)['resident memory'], 'does not grow');
  });

  it('is that of one life, but for what outlives the process', () => {
    const hours = hoursWith((at, day) => (day < 4 ? {} : { rssMb: 100 + at, otherDiskMb: 100 * at }));
    assert.equal(verdicts(hours)['resident memory'], 'does not grow');
    assert.notEqual(verdicts(hours)['disk: all else'], 'does not grow');
  });

  it('cannot be told of what was not measured', () => {
    assert.equal(verdicts(hoursWith(() => ({})))['until delivery, p99'], 'cannot be told');
  });
});
