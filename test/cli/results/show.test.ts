// `coda results list` and `show`, beside a real node whose results a real cloud refuses: what is set aside is found.
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';
import {
  filesIn,
  job,
  list,
  posted,
  refusedJob,
  results,
  ownFolder,
  startNode,
  stop,
  type ShownResult,
} from './refused.ts';

describe('coda results', () => {
  it('finds what the cloud refused, while the node continues', async () => {
    const token = cloud.issueToken();
    const node = await startNode(token);
    const callback = `${cloud.url}/callback/planted-path?key=planted-key`;
    const jobId = await refusedJob({ ...job, jobId: 'refused-one', raw: { callback_url: callback } });
    const failed = await refusedJob({ ...job, shots: '0', jobId: 'refused-two' });
    assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
    await waitUntil('forgetting all three', async () => (await list()).undelivered === 0);
    const { code, output } = await results('list');
    assert.equal(code, 0);
    assert.match(output, /^refused-one +completed +\d{4}-.*Z +answered 403: no entry for \*\*\*$/m);
    assert.match(output, /^refused-two +failed /m);
    assert.match(output, /^undelivered +0 /m);

    const human = await results('show', 'refused-o');
    assert.equal(human.code, 0);
    for (const text of ['completed', 'answered 403', cloud.url, cloud.qpuId, 'shots', '00 ', '6 ']) {
      assert.ok(human.output.includes(text), `${text} in\n${human.output}`);
    }
    const json = await results('show', jobId, '--json');
    const shown = JSON.parse(json.output) as ShownResult & Record<string, unknown>;
    const body = JSON.parse(posted(jobId)[0] ?? '') as Record<string, unknown>;
    for (const [name, value] of Object.entries(body)) assert.deepEqual(shown[name], value);
    assert.equal(shown['callback_origin'], cloud.url);
    const whyFailed = await results('show', failed);
    assert.match(whyFailed.output, /^error .*shots/m);

    const key = await readFile(join(bench.stateDir, 'coda-private-key'), 'utf8');
    const password = new URL(cloud.redisUrl).password;
    for (const text of [
      output,
      human.output,
      json.output,
      whyFailed.output,
      (await results('list', '--json')).output,
    ]) {
      assert.doesNotMatch(text, /planted|eyJ/);
      for (const secret of [token, password, key.split('\n')[1] ?? '']) {
        assert.ok(secret.length > 5);
        assert.equal(text.includes(secret), false);
      }
    }
    await stop(node);
  });

  it('names broken files and leaves them; they do not stop the node', async () => {
    const node = await startNode(cloud.issueToken());
    const good = await refusedJob();
    const [file] = (await list()).refused.map((one) => one.file);
    const text = await readFile(file ?? '', 'utf8');
    await mkdir(join(ownFolder(), 'replay'), { mode: 0o700 });
    // The node may look at any moment: a file is there at once, or not at all.
    const place = async (path: string, content: string, mode: number): Promise<void> => {
      await writeFile(`${path}.new`, content);
      await chmod(`${path}.new`, mode);
      await rename(`${path}.new`, path);
    };
    const broken: string[] = [];
    for (const folderName of ['refused', 'replay']) {
      const at = (name: string): string => join(ownFolder(), folderName, name);
      const paths = ['garbage', 'fields', 'open', 'link'].map((name) => at(`${name}.json`));
      const [garbage = '', fields = '', open = '', link = ''] = paths;
      broken.push(...paths);
      await place(garbage, '{"jobId":', 0o600);
      await place(fields, '{"jobId":"a"}', 0o600);
      await place(open, text, 0o666);
      await symlink(file ?? '', link);
    }
    const inReplay = broken.slice(4);
    for (const path of inReplay) await node.says(path);
    for (const args of [['list'], ['show', good]]) {
      const { code, output } = await results(...args);
      for (const path of broken) assert.ok(output.includes(path), `${path} in ${args.join(' ')}`);
      assert.ok(output.includes(good));
      assert.equal(code, args[0] === 'list' ? 1 : 0);
    }
    assert.equal((await results('replay', '--all')).code, 0);
    assert.equal((await cloud.outcome(good)).status, 'completed');
    assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
    for (const path of inReplay) {
      assert.equal(
        node
          .output()
          .split('\n')
          .filter((line) => line.includes(`ed: ${path}`)).length,
        1,
        node.output(),
      );
    }
    await waitUntil('leaving only the broken', async () => (await filesIn('replay')).length === 4);
    await stop(node);
  });

  it('counts undelivered results and messages that were no jobs', async () => {
    const node = await startNode(cloud.issueToken());
    cloud.fail('webhook', { status: 503 });
    const jobIds = [await cloud.submit(job), await cloud.submit(job)];
    for (const jobId of jobIds) await cloud.whenState(jobId, 'completed');
    await cloud.submit({ raw: { job_id: null } });
    await waitUntil('the dead letter', async () => (await list()).dead_letters.count === 1);
    assert.equal((await list()).undelivered, 2);
    const { output } = await results('list');
    assert.match(output, /^undelivered +2 /m);
    assert.match(output, /^dead letters +1 +\/.*dead-letters\.jsonl$/m);
    cloud.heal();
    for (const jobId of jobIds) await cloud.outcome(jobId);
    await waitUntil('forgetting them', async () => (await list()).undelivered === 0);
    // What a newer version may have written is an error of its own, beside what can be shown.
    await stop(node);
    await writeFile(join(ownFolder(), 'outbox.journal'), 'coda-outbox 9\n');
    const newer = await results('list', '--json');
    assert.equal(newer.code, 1);
    assert.match(newer.output, /outbox\.journal is not an outbox that this version/);
    assert.match(newer.output, /"undelivered": null/);
  });
});
