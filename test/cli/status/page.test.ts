// The page on operating has every row of `coda status`, and every command in it is one that coda knows.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';

const page = readFileSync(join('docs', 'operating.md'), 'utf8');

describe('docs/operating.md', () => {
  const documented = new Set(
    [...page.matchAll(/^\| ([a-zA-Z, ]+?) +\|/gm)].flatMap(([, names = '']) => names.split(', ')),
  );
  const undocumented = (said: string): string[] =>
    [...said.matchAll(/^(\S+(?: \S+)?) {2,}\S/gm)]
      .map(([, name = '']) => name)
      .filter((name) => !documented.has(name));

  it('explains every row that coda status shows', async () => {
    bench.holdRuns();
    await bench.ends(0, ['start', '-d', '--token', cloud.issueToken()]);
    await bench.ends(0, ['pause']);
    await waitUntil('the pause', async () => (await bench.run(['status'])).output.includes('paused  '));
    assert.deepEqual(undocumented(await bench.ends(0, ['status'])), []);
    await bench.ends(0, ['stop']);
    assert.deepEqual(undocumented(await bench.ends(1, ['status'])), []);
    // The check itself can fail.
    assert.deepEqual(undocumented('colour      red'), ['colour']);
  });

  it('has no command line that is wrong usage', async () => {
    const lines = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.split('\n'));
    const commands = lines.map((line) => / ?\bcoda (.*?)(?: {2,}#.*)?$/.exec(line)?.[1]).filter(Boolean);
    assert.ok(commands.length > 8);
    for (const command of commands) {
      const args = String(command).replace(/<\w+>/g, 'x').split(' ');
      // With --help nothing is done, but every option is checked.
      await bench.ends(0, [...args, '--help']);
    }
    await bench.ends(2, ['stop', '--hand-bac', '--help']);
  });
});
