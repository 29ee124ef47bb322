// The one place that has every trouble in the log: once when it appears, once when it is over.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReadinessReport } from '../../src/kernel/readiness.ts';
import { TroubleLog } from '../../src/kernel/trouble-log.ts';
import { createLogger } from '../../src/log.ts';

function watch(): { look: (...texts: string[]) => void; lines: string[] } {
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line.replace(/^\S+ /, '')) });
  const troubleLog = new TroubleLog(log);
  const look = (...texts: string[]): void => {
    const report = new ReadinessReport();
    for (const text of texts) report.trouble(text, 'Warm it up.');
    troubleLog.look(report.troubles);
  };
  return { look, lines };
}

describe('the log of troubles', () => {
  it('has each once with its remedy, and once when it is over', () => {
    const { look, lines } = watch();
    for (const texts of [['it is cold'], ['it is cold', 'it is dark'], ['it is dark'], ['it is dark'], []]) {
      look(...texts);
    }
    assert.deepEqual(lines, [
      'WARN  it is cold → Warm it up.',
      'WARN  it is dark → Warm it up.',
      'INFO  over: it is cold',
    ]);
    look();
    assert.equal(lines.at(-1), 'INFO  over: it is dark');
    look('it is cold');
    assert.equal(lines.at(-1), 'WARN  it is cold → Warm it up.');
  });

  it('reports neither a number that changes nor one look without the trouble', () => {
    const { look, lines } = watch();
    look('7 results wait');
    look('8 results wait');
    look();
    look('9 results wait');
    assert.equal(lines.length, 1);
  });
});

describe('a readiness report', () => {
  it('is not ready for a reason, and ready with another trouble; both are reported', () => {
    const report = new ReadinessReport();
    report.trouble('the cloud refuses heartbeats', 'Set the clock.');
    assert.equal(report.ready, true);
    report.notReady('the cryostat is warm');
    assert.equal(report.ready, false);
    assert.deepEqual(report.reasons, ['the cryostat is warm']);
    assert.deepEqual(report.toJSON()['troubles'], [
      { text: 'the cloud refuses heartbeats', remedy: 'Set the clock.', blocks: false },
      { text: 'the cryostat is warm', remedy: null, blocks: true },
    ]);
  });

  it('reports once what is added twice, and blocks if one of the two does', () => {
    const report = new ReadinessReport();
    report.trouble('no right', 'Ask.');
    report.notReady('no right');
    report.trouble('no right');
    assert.deepEqual(report.troubles, [{ text: 'no right', remedy: 'Ask.', blocks: true }]);
  });
});
