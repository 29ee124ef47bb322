// How a node ended: as the next start and `coda status` show it, with the job that ran.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { readLastEnd } from '../../../src/state/last-end.ts';
import type { CodaProcess } from '../process.ts';
import { bench, cloud } from '../workbench.ts';

const job = { ir: bell('cz').ir, shots: 6 };

describe('the last end of a node', () => {
  const begin = async (): Promise<CodaProcess> => {
    const node = bench.spawn(['start', '--token', cloud.issueToken()]);
    await node.says('serving QPU');
    return node;
  };

  /** Both `coda status` and the next start must say `text`. */
  const isTold = async (text: RegExp): Promise<void> => {
    assert.match(await bench.ends(1, ['status']), text);
    bench.holdRuns();
    const next = bench.spawn(['start']);
    await next.says('serving QPU');
    assert.match(next.output(), text);
    // While it runs, the end before that is shown.
    assert.match(await bench.ends(0, ['status']), text);
    next.child.kill('SIGKILL');
    await next.ended;
  };

  const executor = (body: string): void =>
    writeFileSync(
      join(bench.folder, 'coda.config.mjs'),
      `export default { executor: () => ({
  async run() {
    ${body}
  },
}) };\n`,
    );

  it('is a stop, if it was asked to stop', async () => {
    bench.holdRuns();
    const node = await begin();
    assert.equal(readLastEnd(bench.stateDir), undefined);
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0);
    await isTold(/last (end|run).*stopped as it was asked to/);
  });

  it('is a kill, with the job that was on the device', async () => {
    bench.holdRuns();
    const node = await begin();
    const jobId = await cloud.submit(job);
    await cloud.whenState(jobId, 'executing');
    const path = join(bench.stateDir, 'coda-node-spool', 'last-run.json');
    await waitUntil('noting the job', () => readFileSync(path, 'utf8').includes(jobId));
    node.child.kill('SIGKILL');
    await node.ended;
    await isTold(new RegExp(`last (end|run).*shortly after 20.*killed.*job ${jobId} was on the device`));
  });

  it('is process.exit, with who called it and the job, also if it comes at once', async () => {
    executor('process.exit(3);');
    const node = await begin();
    const jobId = await cloud.submit(job);
    assert.equal(await node.ended, 3);
    const text = new RegExp(
      `process\\.exit\\(3\\) was called while job ${jobId} ran, at .*coda\\.config\\.mjs:\\d+.*must throw`,
    );
    assert.match(node.output(), text);
    assert.match(await bench.ends(1, ['status']), new RegExp(`last end.*${text.source}`));
  });

  it('is the end of the machine, if that was started again since', async () => {
    bench.holdRuns();
    const node = await begin();
    node.child.kill('SIGKILL');
    await node.ended;
    const path = join(bench.stateDir, 'coda-node-spool', 'last-run.json');
    const text = readFileSync(path, 'utf8');
    const { place } = JSON.parse(text) as { place: { boot: string } };
    // A machine that is started again has another boot id; its PID namespace may have the same number.
    writeFileSync(path, text.replace(place.boot, '00000000-0000-4000-8000-000000000000'));
    assert.equal(readLastEnd(bench.stateDir)?.how, process.platform === 'linux' ? 'power' : 'killed');
  });

  it('is a failed start', async () => {
    const port = new URL(cloud.url).port;
    await bench.ends(1, ['start', '--token', cloud.issueToken(), '--port', port]);
    assert.match(await bench.ends(1, ['status']), /last end.*start failed/);
  });
});
