// What a driver prints, more than the log takes.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createLogger } from '../../../src/log.ts';
import { DriverOutput } from '../../../plugins/python/output.ts';

it('of a driver that is left out is missed by whoever is shown such lines, and by nobody else', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  for (const [level, text, isSaid] of [
    ['info', 'INFO lab: a shot', true],
    ['warn', 'INFO lab: a shot', false],
    ['warn', 'WARNING lab: warm', true],
  ] as const) {
    const lines: string[] = [];
    const output = new DriverOutput(
      createLogger({ level, write: (line) => lines.push(line) }),
      () => undefined,
    );
    for (let i = 0; i < 150; i++) output.line(text);
    t.mock.timers.tick(1_000);
    assert.equal(
      lines.some((line) => line.includes('50 further lines of the driver are left out')),
      isSaid,
      `${level}, ${text}`,
    );
  }
});
