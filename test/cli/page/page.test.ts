// `coda page`, and the page of the built program: its link, what it does with the token, and what nobody may do without.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { ActionAnswer, JobDetail, Results, Snapshot } from '../../../plugins/page/api.ts';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';

const job = { ir: bell('cz').ir, shots: 6 };

/** A connection that is kept may be closed by the other side at any time. */
const ONCE = { connection: 'close' };

/** Ends a run when the file `go` appears beside it, or when it is to stop. */
const STOPPABLE = `
import { existsSync } from 'node:fs';
const executor = {
  async run(ir, shots, { signal }) {
    while (!existsSync(new URL('./go', import.meta.url))) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return { counts: { '00': shots }, executionTimeMs: 1, shotsCompleted: shots };
  },
};
export default { executor: () => executor };
`;

interface Page {
  readonly url: string;
  readonly token: string;
  get<T>(path: string): Promise<T>;
  act(
    name: string,
    body?: object,
    headers?: Record<string, string>,
    signal?: AbortSignal | null,
  ): Promise<Response>;
}

async function page(): Promise<Page> {
  const { url, link } = JSON.parse(await bench.ends(0, ['page', '--json'])) as Record<'url' | 'link', string>;
  const token = new URLSearchParams(new URL(link).hash.slice(1)).get('token') ?? '';
  return {
    url,
    token,
    get: async <T>(path: string) => (await (await fetch(url + path, { headers: ONCE })).json()) as T,
    act: (name, body = {}, headers = {}, signal = null) =>
      fetch(`${url}page/actions/${name}`, {
        method: 'POST',
        headers: {
          ...ONCE,
          'content-type': 'application/json',
          authorization: `Bearer ${token}`,
          ...headers,
        },
        body: JSON.stringify(body),
        signal,
      }),
  };
}

async function done(answer: Response): Promise<ActionAnswer> {
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text) as ActionAnswer;
}

async function refused(answer: Response, status: number): Promise<string> {
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  return (JSON.parse(text) as { error: string }).error;
}

describe('coda page', () => {
  it('says why there is none', async () => {
    assert.match(await bench.ends(1, ['page']), /no node runs with the state directory[^]*coda start/);
    writeFileSync(join(bench.folder, 'coda.config.json'), '{"plugins": [["page", false], ["door", false]]}');
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    assert.match(await bench.ends(1, ['page']), /has no page: its plugin page is off/);
    await bench.ends(0, ['stop']);
    writeFileSync(join(bench.folder, 'coda.config.json'), '{"plugins": [["door", false]]}');
    await bench.ends(0, ['start', '-d']);
    assert.match(await bench.ends(0, ['page']), /^http:\/\/127\.0\.0\.1:\d+\/\nthis node takes no actions/m);
    const { url } = JSON.parse(await bench.ends(0, ['page', '--json'])) as { url: string };
    await refused(await fetch(`${url}page/actions/pause`, { method: 'POST' }), 403);
  });

  it('shows a link with which the node can be paused, and nobody can without', async () => {
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    const found = await page();
    assert.match(await bench.ends(0, ['page']), /^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}\n$/);
    const html = await fetch(found.url);
    assert.match(html.headers.get('content-type') ?? '', /^text\/html/);
    const etag = html.headers.get('etag') ?? '';
    assert.equal(
      (await fetch(found.url, { headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' } })).status,
      304,
    );
    for (const [, path = ''] of (await html.text()).matchAll(/(?:src|href)="\/(page\/[^"]+)"/g)) {
      assert.equal((await fetch(found.url + path)).status, 200, path);
    }

    const without = { authorization: 'Bearer wrong' };
    const fromElsewhere = { 'sec-fetch-site': 'cross-site' };
    for (const name of ['pause', 'resume', 'cancel', 'replay', 'drop', 'run']) {
      assert.match(await refused(await found.act(name, {}, without), 401), /token/);
      await refused(await found.act(name, {}, fromElsewhere), 403);
      await refused(await found.act(name, {}, { origin: 'http://127.0.0.1:1' }), 403);
    }
    assert.equal((await found.get<Snapshot>('page/state')).node.paused, null);

    assert.match((await done(await found.act('pause', { reason: 'a <b>warm</b> fridge' }))).text, /^Paused/);
    const paused = await found.get<Snapshot>('page/state');
    assert.equal(paused.node.paused?.reason, 'a <b>warm</b> fridge');
    assert.equal(paused.node.ready, false);
    assert.match(await bench.ends(0, ['status']), /paused by the operator: a <b>warm<\/b> fridge/);
    const jobId = await cloud.submit(job);
    await done(await found.act('resume'));
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
    await waitUntil('its record', async () => (await fetch(`${found.url}page/jobs/${jobId}`)).ok);
    const detail = await found.get<JobDetail>(`page/jobs/${jobId}`);
    assert.equal(detail.counts?.total, 6);
    assert.match(detail.drawing ?? '', /^<svg[^]*<\/svg>/);
    assert.doesNotMatch(detail.drawing ?? '', /<style|<script|style=/);

    assert.ok(!bench.log.includes(found.token));
  });

  it('cancels what waits or runs, and says what cannot be done', async () => {
    bench.holdRuns();
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    const found = await page();
    const running = await cloud.submit(job);
    const waiting = await cloud.submit(job);
    await waitUntil('both', async () => {
      const state = await found.get<Snapshot>('page/state');
      return state.running.length === 1 && state.waiting.length === 1;
    });
    await done(await found.act('cancel', { jobId: waiting }));
    await cloud.whenState(waiting, 'cancelled');
    assert.match(
      await refused(await found.act('cancel', { jobId: waiting }), 409),
      /cannot be cancelled here any more/,
    );
    await refused(await found.act('cancel', {}), 400);
    await refused(await found.act('cancel', { jobId: 7 }), 400);
    await refused(await found.act('cancel', { jobId: 'x'.repeat(2_000_000) }), 413);
    await refused(await found.act('cancel', { jobId: 'x' }, { 'content-type': 'text/plain' }), 415);
    assert.match(
      await refused(await found.act('replay', { jobId: running }), 409),
      /no result of job .* is set aside/,
    );
    await done(await found.act('cancel', { jobId: running }));
    await cloud.whenState(running, 'cancelled');
  });

  it('runs a circuit on the device of the node, and stops it', async () => {
    const before = cloud.results.size;
    writeFileSync(join(bench.folder, 'coda.config.ts'), STOPPABLE);
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    const found = await page();
    const circuit =
      'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;';
    const running = async (): Promise<string> => {
      let jobId: string | undefined;
      await waitUntil('the run', async () => {
        const {
          running: [row],
        } = await found.get<Snapshot>('page/state');
        jobId = row?.origin === 'local' ? row.jobId : undefined;
        return jobId !== undefined;
      });
      return jobId ?? '';
    };
    const stopped = found.act('run', { circuit, shots: 7, name: 'bell.qasm' });
    await done(await found.act('cancel', { jobId: await running() }));
    assert.equal((await done(await stopped)).outcome, 'cancelled');

    const left = new AbortController();
    const leaving = found.act('run', { circuit }, {}, left.signal).catch(() => 'left');
    await running();
    left.abort();
    assert.equal(await leaving, 'left');
    await waitUntil('its end', async () => (await found.get<Snapshot>('page/state')).running.length === 0);

    bench.endRuns();
    const ran = await done(await found.act('run', { circuit, shots: 7, name: 'bell.qasm' }));
    assert.deepEqual([ran.text, ran.outcome, ran.counts?.total], ['bell.qasm has run.', 'completed', 7]);
    const json = await done(await found.act('run', { circuit: JSON.stringify(bell('cz').ir), shots: 3 }));
    assert.equal(json.counts?.total, 3);
    assert.match(
      await refused(await found.act('run', { circuit: 'OPENQASM 3.0; nonsense q;', name: 'bad.qasm' }), 422),
      /bad\.qasm/,
    );
    await refused(await found.act('run', { circuit, shots: 0 }), 400);
    await refused(await found.act('run', { circuit: ' '.repeat(1024 * 1024) }), 413);
    await refused(await found.act('run', { circuit }, { authorization: 'Bearer x' }), 401);
    assert.equal(cloud.results.size, before);
  });

  it('replays and drops results that the cloud refused, and drops those that wait', async () => {
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    const found = await page();
    const results = (): Promise<Results> => found.get<Results>('page/results');
    cloud.fail('webhook', { status: 400, times: 2 });
    const ids = [await cloud.submit(job), await cloud.submit(job)] as const;
    await waitUntil('both refused', async () => (await results()).refused.length === 2);
    assert.deepEqual((await results()).refused.map(({ jobId }) => jobId).toSorted(), [...ids].toSorted());
    await done(await found.act('replay', { jobId: ids[0] }));
    assert.equal((await cloud.outcome(ids[0])).status, 'completed');
    await refused(await found.act('drop', { jobId: ids[1] }), 400);
    await done(await found.act('drop', { jobId: ids[1], which: 'refused' }));
    assert.deepEqual((await results()).refused, []);
    await refused(await found.act('drop', { jobId: ids[1], which: 'refused' }), 409);

    cloud.fail('webhook', { status: 503 });
    const third = await cloud.submit(job);
    await waitUntil('it waits', async () =>
      (await results()).undelivered.some(({ attempts }) => attempts > 0),
    );
    const [row] = (await results()).undelivered;
    assert.equal(row?.jobId, third);
    assert.match(row?.error ?? '', /503/);
    await done(await found.act('drop', { jobId: third, which: 'waiting' }));
    await waitUntil('it is gone', async () => (await results()).undeliveredCount === 0);
  });

  it('opens the browser with a file, so that no list of processes has the token', async () => {
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    const { token } = await page();
    const bin = join(bench.folder, 'bin');
    mkdirSync(bin);
    const seen = join(bench.folder, 'seen');
    writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\necho "$@" > '${seen}'\n`);
    chmodSync(join(bin, 'xdg-open'), 0o755);
    await bench.ends(0, ['page', '--open'], { PATH: `${bin}:${process.env['PATH']}` });
    const given = readFileSync(seen, 'utf8').trim();
    assert.ok(!given.includes(token) && given.endsWith('page.html'));
    assert.ok(readFileSync(given, 'utf8').includes(`#token=${token}`));
    assert.equal(statSync(given).mode & 0o777, 0o600);
    assert.match(
      await bench.ends(1, ['page', '--open'], { PATH: '/nowhere' }),
      /no browser could be opened[^]*→/,
    );
  });
});
