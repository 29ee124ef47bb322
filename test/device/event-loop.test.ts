// What is said of an event loop that stood still: an executor is blamed only for what it did.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gapText, type Gap } from '../../src/device/event-loop.ts';
import { BusyTaps, type BusyTap, type NamedTap } from '../../src/kernel/busy-taps.ts';

const GAP: Gap = { ms: 97_000, cpuMs: 0, suspendedMs: 0, wasContinued: false };
const text = (gap: Partial<Gap>, jobId?: string, tap?: BusyTap): string =>
  gapText({ ...GAP, ...gap }, jobId, './executor.ts', tap) ?? '';
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

  it('is blamed on a tap that ran for most of it, by plugin and hook', () => {
    const tap: BusyTap = {
      text: "plugin 'calib' in prepare",
      hook: 'prepare',
      ms: 90_000,
      until: 0,
      isSure: true,
    };
    const named = text({ cpuMs: 96_000 }, 'job-1', tap);
    assert.match(
      named,
      /blocked for 97\.0 s while job job-1 ran: plugin 'calib' in prepare should do long work/,
    );
    assert.doesNotMatch(named, BLAME);
    assert.match(text({}, 'job-1', tap), /paused, or plugin 'calib' in prepare waits in a blocking call/);
    assert.match(text({ cpuMs: 96_000 }, undefined, tap), /blocked for 97\.0 s: plugin 'calib' in prepare/);
    assert.match(text({ cpuMs: 96_000 }, 'job-1', { ...tap, ms: 9_000 }), BLAME);
    // After an await of the tap the executor may have run, unless the tap has the device.
    const unsure = { ...tap, isSure: false };
    assert.match(
      text({ cpuMs: 96_000 }, 'job-1', unsure),
      /plugin 'calib' in prepare, or the executor \(\.\/executor\.ts\), should do long work/,
    );
    assert.doesNotMatch(text({ cpuMs: 96_000 }, 'job-1', { ...unsure, hook: 'onJob' }), BLAME);
    assert.doesNotMatch(text({ suspendedMs: 97_000 }, 'job-1', tap), /calib/);
  });
});

describe('the taps that hold the event loop up', () => {
  it('are known by the time that they have run without a break', () => {
    const busy = new BusyTaps();
    const tap = (plugin: string, hook: string): NamedTap => ({ plugin, hook });
    const named = (since: number): string | undefined => busy.longestSince(since)?.text;
    busy.ran([tap('quick', 'onJob')], 0, 1, 1000, 1100);
    busy.settled(tap('early', 'onJob'), 1100);
    assert.equal(named(0), undefined);
    busy.seenAt = 2000;
    busy.ran([tap('long', 'prepare')], 0, 1, 2000, 4000);
    // Its promise settles after that, and was not what the loop waited for.
    busy.settled(tap('innocent', 'mapResult'), 4001);
    assert.equal(named(2000), "plugin 'long' in prepare");
    busy.settled(tap('late', 'mapResult'), 7000);
    assert.deepEqual([named(2000), busy.longestSince(2000)?.isSure], ["plugin 'late' in mapResult", false]);
    busy.seenAt = 7100;
    assert.equal(busy.isPrecise, false);
    busy.ran(
      ['a', 'b', 'c', 'd'].map((name) => tap(name, 'onJob')),
      1,
      3,
      7100,
      7700,
    );
    assert.deepEqual([named(7100), busy.isPrecise], ["plugin 'b' or 'c' in onJob", true]);
    assert.equal(named(7800), undefined);
  });

  it('is blamed on a plugin whose calls are short, and together are not', () => {
    const busy = new BusyTaps();
    busy.seenAt = 1000;
    const slow = (hook: string, plugin = 'slow', at = 1000): void =>
      busy.ran([{ plugin, hook }], 0, 1, at, at + 300);
    slow('onEnd');
    slow('onEnd', 'other', 1300);
    assert.equal(busy.longestSince(1000), undefined);
    slow('afterSave', 'slow', 1600);
    slow('onEnd', 'slow', 1900);
    const tap = busy.longestSince(1000);
    assert.deepEqual([tap?.text, tap?.ms], ["plugin 'slow' in onEnd, afterSave", 900]);
    const said = text({ ms: 1200, cpuMs: 1200 }, 'job-1', tap);
    assert.match(said, /while job job-1 ran: plugin 'slow' in onEnd, afterSave should do long work/);
    // The next look begins from nothing.
    busy.seenAt = 2250;
    slow('onEnd', 'slow', 2300);
    assert.equal(busy.longestSince(2250), undefined);
  });
});
