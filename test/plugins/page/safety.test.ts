// What the page must never do: show a secret, run foreign code, answer another site, grow, or keep others waiting.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, it } from 'node:test';
import type { JobsPage, Snapshot } from '../../../plugins/page/api.ts';
import { definePlugin } from '../../../src/index.ts';
import { bell, startTestNode, waitUntil, type TestNode } from '../../../src/testing/index.ts';
import { cloud } from '../../support/cloud.ts';
import { CountingExecutor } from '../../support/executors.ts';
import { ask, Reader, urlOf } from './reader.ts';

const job = { ir: bell('cz').ir, shots: 4 };
const DATA = ['state', 'timeline', 'jobs', 'trend', 'device', 'results'].map((name) => `/page/${name}`);

async function withNode(
  options: Omit<Parameters<typeof startTestNode>[0], 'cloud'>,
  work: (test: TestNode, url: string) => Promise<void>,
): Promise<void> {
  const test = await startTestNode({ cloud, ...options });
  try {
    await work(test, urlOf(test));
  } finally {
    await test.stop();
  }
}

/** With whatever headers: fetch sets some itself. */
function statusOf(url: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (answer) => {
      resolve(answer.statusCode ?? 0);
      asked.destroy();
    });
    asked.on('error', reject).end();
  });
}

describe('the page', () => {
  it('answers nothing that a browser could run, but for its own files', async () => {
    await withNode({}, async (_, url) => {
      for (const path of ['/', '/page/assets/app.js', ...DATA, '/page/jobs/none', '/page/events']) {
        const abort = new AbortController();
        const { headers, status } = await fetch(url + path, { signal: abort.signal });
        abort.abort();
        assert.notEqual(status, 500, path);
        const policy = headers.get('content-security-policy') ?? '';
        assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /, path);
        assert.doesNotMatch(policy, /unsafe|\*|http/, path);
        for (const directive of ['frame-ancestors', 'base-uri', 'form-action']) {
          assert.ok(policy.includes(`${directive} 'none'`), `${path}: ${directive}`);
        }
        assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
        assert.equal(headers.get('referrer-policy'), 'no-referrer', path);
        assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin', path);
        assert.equal(headers.get('access-control-allow-origin'), null, path);
        if (path !== '/' && !path.includes('assets')) {
          assert.match(headers.get('content-type') ?? '', /^(application\/json|text\/event-stream);/, path);
        }
      }
      for (const name of ['..%2F..%2Fcore.cjs', '..', 'app.js.map', 'constructor']) {
        assert.equal((await fetch(`${url}/page/assets/${name}`)).status, 404, name);
      }
      assert.equal(await statusOf(`${url}/page/events`, {}, 'HEAD'), 200);
    });
  });

  it('answers neither another site, nor a name that leads here, nor a proxy', async () => {
    await withNode({}, async (_, url) => {
      const { host } = new URL(url);
      const foreign: readonly [string, Record<string, string>][] = [
        ['another site', { host, 'sec-fetch-site': 'cross-site' }],
        ['another port', { host, 'sec-fetch-site': 'same-site' }],
        ['another origin', { host, origin: 'https://evil.example' }],
        ['a name of others', { host: 'evil.example' }],
        ['a proxy', { host, 'x-forwarded-for': '203.0.113.7' }],
      ];
      for (const [who, headers] of foreign) {
        for (const path of [...DATA, '/page/events']) {
          assert.equal(await statusOf(url + path, headers), 403, `${who}: ${path}`);
        }
        assert.equal(await statusOf(`${url}/page/actions/pause`, headers, 'POST'), 403, who);
      }
      assert.equal(await statusOf(`${url}/page/state`, { host, 'sec-fetch-site': 'same-origin' }), 200);
    });
  });

  it('shows no secret, wherever one stands', async () => {
    const secrets = {
      masked: 'top-secret-of-the-lab',
      password: 'hunter2hunter2',
      jwt: 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJub2RlIn0.c2lnbmF0dXJl',
    };
    const leaky = `${secrets.masked}; redis://node:${secrets.password}@redis.example; Bearer ${secrets.jwt}`;
    const plugin = definePlugin({
      name: 'leaky',
      apply({ hooks, log }) {
        log.mask(secrets.masked);
        hooks.onJob.tap('leaky', ({ annotate }) => annotate(`note ${secrets.masked}`, { deep: [leaky] }));
        hooks.readiness.tap('leaky', (report) => {
          report.trouble(leaky, leaky);
          report.add('paused', { reason: leaky, since: null });
        });
      },
    });
    const executor = {
      run: () => {
        throw new Error(leaky);
      },
    };
    await withNode({ executor, plugins: [plugin] }, async (_, url) => {
      const reader = await Reader.open(url);
      const jobId = await cloud.submit(job);
      await cloud.outcome(jobId);
      await waitUntil('its end', () => reader.of('jobs').length > 0);
      const paths = [...DATA, `/page/jobs?search=${secrets.masked}`, `/page/jobs/${jobId}`];
      const texts = await Promise.all(paths.map(async (path) => (await fetch(url + path)).text()));
      assert.ok(texts.every((text) => text.startsWith('{')));
      assert.match(texts.join(), /redis:\/\/node:\*\*\*@redis\.example/);
      for (const text of [...texts, reader.text]) {
        for (const [name, secret] of Object.entries(secrets))
          assert.ok(!text.includes(secret), `${name}: ${text}`);
      }
      reader.close();
    });
  });

  it('refuses what it does not understand, with a reason', async () => {
    await withNode({}, async (_, url) => {
      for (const query of [
        'jobs?limit=0',
        'jobs?limit=x',
        'jobs?limit=100000',
        'jobs?outcome=great',
        'trend?hours=-1',
      ]) {
        const answer = await fetch(`${url}/page/${query}`);
        assert.equal(answer.status, 400, query);
        assert.ok(((await answer.json()) as { error: string }).error.length > 10, query);
      }
      assert.equal((await fetch(`${url}/page/jobs/%ff`)).status < 500, true);
      assert.equal((await fetch(`${url}/page/state`, { method: 'POST' })).status, 405);
    });
  });

  it('lets fifty pages follow a thousand jobs, and /health and /ready answer meanwhile', async () => {
    const jobs = 1_500;
    await withNode({ executor: new CountingExecutor() }, async ({ node }, url) => {
      const readers = await Promise.all(Array.from({ length: 50 }, () => Reader.open(url)));
      await waitUntil('all readers', () => readers.every(({ state }) => state !== undefined));
      let isDone = false;
      const asked = (async (): Promise<number> => {
        let answers = 0;
        for (; !isDone; answers += 1) {
          for (const path of ['/health', '/ready']) {
            assert.equal((await fetch(url + path, { headers: { connection: 'close' } })).status, 200);
          }
        }
        return answers;
      })();
      await Promise.all(Array.from({ length: jobs }, () => cloud.submit(job)));
      await waitUntil('all deliveries', () => node.jobs.figures().delivered === jobs, { timeoutMs: 60_000 });
      isDone = true;
      assert.ok((await asked) > 0);
      for (const reader of readers) {
        await reader.until(
          'the last state',
          ({ counts }) => counts.completed === jobs && counts.delivered === jobs,
        );
        const rows = reader.of('jobs').reduce((sum, event) => sum + event.jobs.length + event.leftOut, 0);
        assert.equal(rows, jobs);
        const spans = new Map(
          reader.of('spans').flatMap((event) => event.spans.map((span) => [span.from, span])),
        );
        assert.equal(
          [...spans.values()].reduce((sum, span) => sum + span.jobs, 0),
          jobs,
        );
        assert.equal(reader.ended, false);
        reader.close();
      }
      const { jobs: rows, next } = await ask<JobsPage>(`${url}/page/jobs?limit=200`);
      assert.equal(rows.length, 200);
      const { jobs: more } = await ask<JobsPage>(
        `${url}/page/jobs?limit=200&before=${encodeURIComponent(next ?? '')}`,
      );
      assert.equal(new Set([...rows, ...more].map(({ jobId }) => jobId)).size, 400);
    });
  });

  it('turns away a page too many, and leaves room for those who ask for something', async () => {
    await withNode({}, async ({ node }, url) => {
      await waitUntil('ready', () => node.readiness().ready);
      const readers = await Promise.all(Array.from({ length: 64 }, () => Reader.open(url)));
      const refused = await fetch(`${url}/page/events`);
      assert.equal(refused.status, 503);
      assert.match(await refused.text(), /64 pages are open already/);
      for (let i = 0; i < 70; i += 1) {
        assert.equal(await statusOf(`${url}/ready`, { connection: 'close' }), 200);
      }
      assert.ok(readers.every(({ ended }) => !ended));
      readers[0]?.close();
      await waitUntil('a place', async () => {
        const reader = await Reader.open(url).catch(() => undefined);
        reader?.close();
        return reader !== undefined;
      });
      for (const reader of readers) reader.close();
      const state = await ask<Snapshot>(`${url}/page/state`);
      assert.equal(state.node.ready, true);
    });
  });
});
