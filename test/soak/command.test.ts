// The command `npm run soak` has a help, and shows a wrong argument in one line.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { help, planOf, wantedBy } from './command-line.ts';
import { DAY } from './day.ts';
import { FAULTS } from './faults.ts';
import { QUANTITIES } from './growth/growth.ts';

describe('the command of the soak', () => {
  it('shows every hour, fault and bound in its help', () => {
    for (const { name } of [...DAY, ...FAULTS, ...QUANTITIES]) assert.ok(help().includes(name), name);
  });

  it('ends with 2 for a wrong word, and 0 for its help', () => {
    for (const [words, status, says] of [
      [['--minuts', '3'], 2, /^Unknown option '--minuts'; see npm run soak -- --help\n$/],
      [['--help'], 0, /^npm run soak \[/],
    ] as const) {
      const ended = spawnSync(process.execPath, [join(import.meta.dirname, 'main.js'), ...words], {
        encoding: 'utf8',
      });
      assert.equal(ended.status, status);
      assert.match(ended.stdout + ended.stderr, says);
    }
  });

  for (const [words, says] of [
    [['--minutes', 'many'], /--minutes takes a number from 0 up, not 'many'/],
    [['--minutes', '0'], /--minutes 0 plays nothing/],
    [['--minutes', '1e9'], /--minutes takes 10080 at most/],
    [['--minutes', '-1'], /^Error: Option '--minutes' argument is ambiguous; see npm run soak -- --help$/],
    [['--seed', ''], /--seed takes a number from 0 up, not ''/],
    [['kill-9'], /Unexpected argument 'kill-9'/],
  ] as const) {
    it(`refuses ${words.join(' ')}`, () => {
      assert.throws(() => wantedBy(words), says);
    });
  }

  it('has a warm-up, a life long enough for slopes, and kills, however short or long it is', () => {
    for (const minutes of [1, 20, 60, 480]) {
      const { days, killDays, hourMs } = planOf(minutes);
      assert.ok(killDays >= 1 && days - killDays >= 5, `${days} days, ${killDays} of kills`);
      assert.ok(Math.abs(days * DAY.length * hourMs - minutes * 60_000) < 1);
    }
  });
});
