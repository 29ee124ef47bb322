// What is said of an event loop that stood still: an executor is blamed only for what it did.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gapText, type Gap } from '../../src/device/event-loop.ts';

const GAP: Gap = { ms: 97_000, cpuMs: 0, suspendedMs: 0, wasContinued: false };
const text = (gap: Partial<Gap>, jobId?: string): string =>
  gapText({ ...GAP, ...gap }, jobId, './executor.ts') ?? '';
const BLAME = /the executor \(.*should do long work/;

describe('an event loop that stood still', () => {
  it('is blamed on an executor that computed', () => {
    assert.match(text({ cpuMs: 96_000 }, 'job-1'), /blocked for 97\.0 s while job job-1 ran/);
    assert.match(text({ cpuMs: 96_000 }, 'job-1'), BLAME);
    // `coda stop` sends a SIGCONT.
    assert.match(text({ cpuMs: 96_000, wasContinued: true }, 'job-1'), BLAME);
    // On a machine that is busy with other work.
    assert.match(text({ cpuMs: 20_000 }, 'job-1'), BLAME);
  });

  it('is not blamed on the executor if the process was stopped or the machine suspended', () => {
    const stopped = text({ wasContinued: true }, 'job-1');
    assert.match(stopped, /stopped for 97\.0 s while job job-1 ran.*not to blame/);
    // On Linux the monotonic clock stands still too.
    const suspended = text({ ms: 3, cpuMs: 2, suspendedMs: 97_000 }, 'job-1');
    assert.match(suspended, /suspended for 97\.0 s while job job-1 ran.*not to blame/);
    for (const said of [stopped, suspended]) assert.doesNotMatch(said, BLAME);
  });

  it('names both causes if a paused container looks like a blocking wait', () => {
    assert.match(
      text({}, 'job-1'),
      /blocked for 97\.0 s while job job-1 ran.*paused.*or the executor.*execSync/,
    );
  });

  it('is reported without a job only if the process or the machine was stopped', () => {
    assert.match(text({ wasContinued: true }), /stopped for 97\.0 s, /);
    assert.match(text({ suspendedMs: 97_000 }), /suspended for 97\.0 s\. /);
    assert.equal(text({ cpuMs: 96_000 }), '');
    assert.equal(text({}), '');
  });
});
