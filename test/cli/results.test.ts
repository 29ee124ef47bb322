// `coda results` against a real node and a real cloud that refuses: what is set aside is found, delivered again, or dropped.
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { SavedOutcome } from '../../src/index.ts';
import { setResultAside } from '../../src/jobs/set-aside.ts';
import { silentLogger } from '../../src/log.ts';
import { bell, startLocalCloud, waitUntil, type LocalCloud } from '../../src/testing/index.ts';
import { coda, type CodaProcess } from './process.ts';

const job = { ir: bell('cz').ir, shots: 6 };
/** What a careless cloud may echo. */
const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.cGxhbnRlZA';

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

interface ShownResult {
  readonly job_id: string;
  readonly file: string;
}

interface Listed {
  readonly refused: readonly ShownResult[];
  readonly replaying: readonly ShownResult[];
  readonly undelivered: number | null;
  readonly dead_letters: { readonly count: number; readonly file: string };
}

describe('coda results', () => {
  let cloud: LocalCloud;
  let folder: string;
  let spool: string;
  const running: CodaProcess[] = [];
  before(async () => {
    cloud = await startLocalCloud();
  });
  after(async () => {
    assert.deepEqual(cloud.violations, []);
    await cloud.close();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coda-results-'));
    spool = join(folder, 'state', 'coda-node-spool');
  });
  afterEach(async () => {
    cloud.heal();
    for (const { child } of running.splice(0)) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  const env = (): Record<string, string> => ({
    CODA_WEBAPP_URL: cloud.url,
    CODA_STATE_DIR: join(folder, 'state'),
    CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '1',
  });

  async function startNode(token?: string): Promise<CodaProcess> {
    const args = ['start', '--host', '127.0.0.1', '--port', '0'];
    const node = coda(token === undefined ? args : [...args, '--token', token], { cwd: folder, env: env() });
    running.push(node);
    await node.says('serving QPU');
    return node;
  }

  async function stop(node: CodaProcess): Promise<void> {
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0, node.output());
  }

  async function results(...args: string[]): Promise<Ended> {
    const run = coda(['results', ...args], { cwd: folder, env: env() });
    return { code: await run.ended, output: run.output() };
  }

  async function list(): Promise<Listed> {
    return JSON.parse((await results('list', '--json')).output) as Listed;
  }

  const filesIn = (place: 'refused' | 'replay'): Promise<string[]> => readdir(join(spool, place));

  /** The bodies that were posted for a job, as they were sent. */
  const posted = (jobId: string): string[] =>
    cloud.deliveries.filter(({ body }) => body?.job_id === jobId).map(({ text }) => text);

  /** Has the cloud refuse the result of a job, and waits until it is acknowledged: by then it is set aside. */
  async function refusedJob(submit: Parameters<LocalCloud['submit']>[0] = job): Promise<string> {
    cloud.fail('webhook', { status: 403, body: { error: `no entry for ${JWT}` }, times: 1 });
    const jobId = await cloud.submit(submit);
    await waitUntil('the refusal', () => posted(jobId).length === 1);
    await waitUntil('acknowledging it', async () => (await cloud.pending()) === 0);
    return jobId;
  }

  /** As a node does it. */
  async function setAside(jobId: string): Promise<void> {
    await mkdir(spool, { recursive: true, mode: 0o700 });
    const saved: SavedOutcome = {
      qpuId: cloud.qpuId,
      jobId,
      messageIds: ['1-0'],
      callbackUrl: cloud.url,
      outcome: { status: 'completed', counts: { '00': 6 }, executionTimeMs: 1, shotsCompleted: 6 },
      endedAt: new Date().toISOString(),
    };
    await setResultAside(spool, saved, 'answered 403', silentLogger);
    // The oldest comes first, and a millisecond is long here.
    const now = Date.now();
    await waitUntil('time going on', () => Date.now() > now);
  }

  it('finds what the cloud refused, while the node goes on', async () => {
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

    const key = await readFile(join(folder, 'state', 'coda-private-key'), 'utf8');
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

  it('has a running node deliver again, in the same words, until the cloud takes it', async () => {
    const node = await startNode(cloud.issueToken());
    const jobId = await refusedJob();
    const status = await cloud.status(jobId);
    cloud.fail('webhook', { status: 410, times: 1 });
    const again = await results('replay', jobId);
    assert.equal(again.code, 0);
    assert.match(again.output, new RegExp(`running node \\(PID ${node.child.pid}\\)`));
    await waitUntil('refusing it again', () => posted(jobId).length === 2);
    await waitUntil('setting it aside again', async () => (await filesIn('refused')).length === 1);
    assert.match((await results('show', jobId)).output, /answered 410/);

    assert.equal((await results('replay', '--all')).code, 0);
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
    const bodies = posted(jobId);
    assert.equal(bodies.length, 3);
    assert.equal(new Set(bodies).size, 1);
    await waitUntil('forgetting it', async () => (await list()).undelivered === 0);
    await waitUntil('removing the file', async () => (await filesIn('replay')).length === 0);
    assert.deepEqual(await filesIn('refused'), []);
    assert.deepEqual(await cloud.status(jobId), status);
    assert.equal(await cloud.pending(), 0);
    assert.equal((await results('replay', '--all')).code, 1);
    await stop(node);
  });

  it('has a stopped node deliver after its next start, and counts what waits until then', async () => {
    const first = await startNode(cloud.issueToken());
    const jobId = await refusedJob();
    await stop(first);
    for (const _ of ['once', 'twice']) {
      const { code, output } = await results('replay', jobId);
      assert.equal(code, 0);
      assert.match(output, /no node is running/);
    }
    const { refused, replaying } = await list();
    assert.deepEqual([refused.length, replaying.map(({ job_id }) => job_id)], [0, [jobId]]);
    assert.match((await results('list')).output, /^to be replayed +1 /m);
    assert.match((await results('show', jobId)).output, /to be replayed/);
    await startNode();
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
    assert.equal(new Set(posted(jobId)).size, 1);
    await waitUntil('removing the file', async () => (await filesIn('replay')).length === 0);
  });

  it('drops for good, and says what', async () => {
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

  it('matches a job by its whole id, or by a beginning that is its alone', async () => {
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

  it('names broken files, leaves them, and never takes the node down with them', async () => {
    const node = await startNode(cloud.issueToken());
    const good = await refusedJob();
    const [file] = (await list()).refused.map((one) => one.file);
    const text = await readFile(file ?? '', 'utf8');
    await mkdir(join(spool, 'replay'), { mode: 0o700 });
    // The node may look at any moment: a file is there at once, or not at all.
    const place = async (path: string, content: string, mode: number): Promise<void> => {
      await writeFile(`${path}.new`, content);
      await chmod(`${path}.new`, mode);
      await rename(`${path}.new`, path);
    };
    const broken: string[] = [];
    for (const folderName of ['refused', 'replay']) {
      const at = (name: string): string => join(spool, folderName, name);
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

  it('counts what is undelivered and what was no job', async () => {
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
    await writeFile(join(spool, 'outbox.journal'), 'coda-outbox 9\n');
    const newer = await results('list', '--json');
    assert.equal(newer.code, 1);
    assert.match(newer.output, /outbox\.journal is not an outbox that this version/);
    assert.match(newer.output, /"undelivered": null/);
  });

  it('explains what it cannot do', async () => {
    const node = await startNode(cloud.issueToken());
    const jobId = await refusedJob();
    await writeFile(join(spool, 'replay'), '');
    await node.says('results cannot be replayed');
    const { code, output } = await results('replay', jobId);
    assert.equal(code, 1);
    assert.match(output, /ConfigError: .*cannot be moved: EEXIST/);
    assert.equal((await filesIn('refused')).length, 1);
    await stop(node);
  });

  for (const [args, says] of [
    [[], /missing required args/],
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

  it('has nothing to show where no node ever was', async () => {
    const { code, output } = await results('list');
    assert.equal(code, 0);
    assert.ok(output.includes(`no refused results in ${spool}`));
    assert.equal((await results('show', 'job-one')).code, 1);
    await assert.rejects(readdir(join(folder, 'state')));
  });
});
