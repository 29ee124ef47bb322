// The words of `coda results`: which result they mean, which are dropped, and which mean nothing. No node runs here.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { bench } from '../workbench.ts';
import { filesIn, list, results, setAside, ownFolder, type ShownResult } from './refused.ts';

describe('coda results', () => {
  it('drops results for good, and names them', async () => {
    const [one, two, three] = ['job-one', 'job-two', 'job-three'];
    for (const jobId of [one, two, three]) await setAside(jobId);
    const dropped = await results('drop', one);
    assert.equal(dropped.code, 0);
    assert.equal(dropped.output, `dropped: ${one} (completed)\n`);
    assert.deepEqual(
      (await list()).refused.map(({ job_id }) => job_id),
      [two, three],
    );
    // All or nothing: a slip in one name changes nothing.
    assert.equal((await results('drop', two, 'job-nobody')).code, 1);
    assert.equal((await filesIn('refused')).length, 2);
    const rest = await results('drop', '--all');
    assert.equal(rest.output, `dropped: ${two} (completed)\ndropped: ${three} (completed)\n`);
    assert.equal((await results('drop', '--all')).code, 1);
    assert.deepEqual(await filesIn('refused'), []);
  });

  it('matches a job by its whole id, or by a unique beginning of it', async () => {
    for (const jobId of ['same-start', 'same-start-2', '000123', '--all-odd']) await setAside(jobId);
    const shownOf = async (...args: string[]): Promise<string> => {
      const { output } = await results('show', '--json', ...args);
      return (JSON.parse(output) as ShownResult).job_id;
    };
    assert.equal(await shownOf('same-start'), 'same-start');
    assert.equal(await shownOf('same-start-'), 'same-start-2');
    assert.equal(await shownOf('000123'), '000123');
    assert.equal(await shownOf('--', '--all-odd'), '--all-odd');
    for (const [name, says] of [
      ['same-s', /several job ids.*same-start, same-start-2/],
      ['00012', /a beginning needs 6 characters/],
      ['nobody-here', /no result of job 'nobody-here'.*results list/s],
      ['\u001b[31mred\u202e', /\\u001b\[31mred\\u202e/],
    ] as const) {
      const { code, output } = await results('show', name);
      assert.match(output, says);
      assert.equal(code, 1);
    }
  });

  for (const [args, says] of [
    [[], /results takes an action/],
    [['lst'], /did you mean "list"\?/],
    [['constructor'], /no action 'constructor'/],
    [['list', 'job-1'], /takes no job/],
    [['show'], /takes one job/],
    [['show', 'job-1', 'job-2'], /takes one job/],
    [['replay'], /takes jobs, or --all/],
    [['drop', 'job-1', '--all'], /takes jobs, or --all/],
    [['list', '--jsn'], /--jsn/],
  ] as const) {
    it(`exits 2 for ${JSON.stringify(args)}`, async () => {
      const { code, output } = await results(...args);
      assert.match(output, says);
      assert.match(output, /coda results --help/);
      assert.equal(code, 2);
    });
  }

  it('has nothing to show if no node ever ran', async () => {
    const { code, output } = await results('list');
    assert.equal(code, 0);
    assert.ok(output.includes(`no refused results in ${ownFolder()}`));
    assert.equal((await results('show', 'job-one')).code, 1);
    await assert.rejects(readdir(bench.stateDir));
  });
});
