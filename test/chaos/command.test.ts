// The command of the chaos suite has a full help, and shows a wrong argument in one line.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MEANINGS, SIZES } from './help.ts';
import { SCENARIOS } from './scenarios/index.ts';

function chaos(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'main.js'), ...args],
    { encoding: 'utf8' },
  );
  return { status, output: stdout + stderr };
}

describe('the command of the chaos suite', () => {
  it('shows every scenario in its help, with its promise and its sizes', () => {
    for (const word of ['--help', '-h']) {
      const { status, output } = chaos(word);
      assert.equal(status, 0, output);
      for (const { name, promise, long } of SCENARIOS) {
        const [, sizes = ''] = new RegExp(`^  ${name} +${promise}\\n +(.*)$`, 'm').exec(output) ?? [];
        for (const size of Object.keys(long)) assert.ok(sizes.includes(`--${size} `), `${name}: ${sizes}`);
      }
      assert.match(output, /^ {2}npm run test:chaos -- kill-9 --seed 7/m);
    }
  });

  it('says what each size means, and names no size that does not exist', () => {
    assert.deepEqual(Object.keys(MEANINGS).toSorted(), SIZES.toSorted());
  });

  for (const [args, says] of [
    [['kill-8'], /no scenario 'kill-8'; did you mean "kill-9"\?/],
    [['earthquake'], /no scenario 'earthquake'; there are kill-9, .*night-shift/],
    [['kill-9', '--kils', '7'], /no option '--kils'; did you mean "kills"\?/],
    [['--weather=bad'], /no option '--weather'; see .*--help/],
    [['--seed'], /--seed takes a number from 0 up, such as/],
    [['--jobs', 'many'], /--jobs takes a number from 0 up, not 'many'/],
    [['--short=yes'], /--short takes no value/],
    [['kill-9', '--only', 'frozen'], /--only is for one scenario with parts: night-shift/],
    [['night-shift', '--only', 'earthquake'], /--only earthquake: night-shift has Redis down at the start; /],
    [['backlog', '--kills', '3'], /--kills is for kill-9, python only, not for backlog/],
  ] as const) {
    it(`exits 2 for ${JSON.stringify(args)}`, () => {
      const { status, output } = chaos(...args);
      assert.match(output, says);
      assert.equal(output.trimEnd().split('\n').length, 1, output);
      assert.equal(status, 2);
    });
  }
});
