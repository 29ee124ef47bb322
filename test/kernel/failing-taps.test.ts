// A plugin that fails each time it is called: the log says so, and has room for everything else.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createHooks, type Hooks } from '../../src/hooks.ts';
import { ReadinessReport } from '../../src/kernel/readiness.ts';
import { SlowTaps } from '../../src/kernel/slow-taps.ts';
import { createLogger } from '../../src/log.ts';

const gap = { startedAt: 0, endedAt: 1, reason: 'no jobs', text: 'there were none' } as const;

function logged(): { readonly hooks: Hooks; readonly lines: string[] } {
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line.replace(/^\S+ /, '')) });
  const hooks = createHooks({ timeoutMs: 1000, log, applying: () => 'lab', slowTaps: new SlowTaps() });
  return { hooks, lines };
}

describe('a tap that fails', () => {
  it('for each job has a few lines, and then a count every ten seconds', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { hooks, lines } = logged();
    let calls = 0;
    hooks.afterGap.tap('lab', () => {
      throw new Error(`no disk for gap ${(calls += 1)}`);
    });
    const many = (): void => {
      for (let n = 0; n < 1000; n += 1) hooks.afterGap.call(gap);
    };
    many();
    const firsts = [1, 2, 3, 4, 5].map((n) => `ERROR plugin 'lab' failed in afterGap: no disk for gap ${n}`);
    assert.deepEqual(lines, firsts);
    t.mock.timers.tick(10_000);
    const count = "ERROR plugin 'lab' has failed in afterGap 995 more times in the last 10 s";
    assert.deepEqual(lines.splice(0), [...firsts, count]);
    // One that fails now and then has each of its lines.
    for (let n = 0; n < 20; n += 1) {
      hooks.afterGap.call(gap);
      t.mock.timers.tick(2_000);
    }
    assert.equal(lines.length, 20);
    assert.ok(lines.every((line) => line.startsWith("ERROR plugin 'lab' failed in afterGap: ")));
  });

  it('does not use up the lines of another one', () => {
    const { hooks, lines } = logged();
    for (const name of ['one', 'two']) {
      hooks.afterGap.tap(name, () => {
        throw new Error(name);
      });
    }
    for (let n = 0; n < 100; n += 1) hooks.afterGap.call(gap);
    assert.equal(lines.filter((line) => line.endsWith(': one')).length, 5);
    assert.equal(lines.filter((line) => line.endsWith(': two')).length, 5);
  });

  it('because JSON cannot have its field of /ready does not take the answer away', () => {
    const { hooks, lines } = logged();
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    hooks.readiness.tap('lab', (report) => report.add('pressure', circle));
    hooks.readiness.tap('lab', (report) => report.add('count', 10n));
    hooks.readiness.tap('lab', (report) => report.add('fridge', { kelvin: 0.01, note: undefined }));
    const report = new ReadinessReport();
    hooks.readiness.call(report);
    const { fridge } = JSON.parse(JSON.stringify(report)) as Record<string, unknown>;
    assert.deepEqual(fridge, { kelvin: 0.01 });
    assert.equal(lines.length, 2);
    assert.match(
      lines[0] ?? '',
      /^ERROR plugin 'lab' failed in readiness: the field pressure of \/ready cannot be JSON: /,
    );
    assert.match(lines[1] ?? '', /the field count of \/ready cannot be JSON: .*BigInt/);
  });
});
