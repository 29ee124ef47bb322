// The schedules that once broke a promise, or would if one line of the code were missing.
import { describe, it } from 'node:test';
import { KNOWN } from './known.ts';
import { play } from './schedule.ts';

describe('the job path, in known schedules', () => {
  for (const { name, expect, ...schedule } of KNOWN) {
    it(name, async () => {
      const lines: string[] = [];
      try {
        const world = await play(schedule, { trace: (line) => lines.push(line) });
        expect?.(world, lines);
      } catch (thrown) {
        throw new Error(`${String(thrown)}\n${lines.join('\n')}`, { cause: thrown });
      }
    });
  }
});
