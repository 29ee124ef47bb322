// A thousand jobs a second for some seconds: the page keeps up, with few rows, and ends with the figures of the node. Then the
// node ends and starts again: the page finds it by itself.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, it } from 'node:test';
import { bell, startLocalCloud, waitUntil } from '../../../src/testing/index.ts';
import type { Snapshot } from '../../../plugins/page/api.ts';
import { Bench } from '../../cli/operator.ts';
import { openPage, skip, startBrowser } from './browser.ts';

const SECONDS = 4;
const JOBS_A_SECOND = 1_000;
const CONFIG = `
import { defineConfig } from 'coda-node';
const run = (ir, shots) => Promise.resolve({ counts: { '00': shots }, executionTimeMs: 1, shotsCompleted: shots });
export default defineConfig({ executor: () => ({ run }) });
`;

it('the page keeps up with a thousand jobs a second', { skip }, async () => {
  const [cloud, browser] = await Promise.all([startLocalCloud(), startBrowser()]);
  const bench = new Bench(cloud);
  after(async () => {
    await browser.close();
    await bench.clear();
    await cloud.close();
  });
  writeFileSync(join(bench.folder, 'coda.config.ts'), CONFIG);
  const node = bench.spawn(['start', '--token', cloud.issueToken()]);
  const origin = await waitUntil(
    'a listening node',
    () => /(http:\/\/127\.0\.0\.1:\d+)/.exec(node.output())?.[1],
  );
  await node.says('reading jobs');
  const { page, complaints } = await openPage(browser, origin);
  const shown = async (): Promise<number> => {
    const text = (await page.textContent('#done-list')) ?? '';
    return Number(/Completed([\d,]+)/.exec(text)?.[1]?.replaceAll(',', '') ?? 0);
  };
  await page.locator('#jobs-none').waitFor();
  assert.match((await page.textContent('#jobs-none')) ?? '', /No job has ended yet.*coda submit/s);

  const { ir } = bell('cz');
  const seen = new Set<number>();
  for (let second = 0; second < SECONDS; second++) {
    const begin = performance.now();
    const jobs = Array.from({ length: JOBS_A_SECOND }, () => cloud.submit({ ir, shots: 10 }));
    await Promise.all(jobs);
    seen.add(await shown());
    await sleep(Math.max(0, begin + 1000 - performance.now()));
  }
  const total = SECONDS * JOBS_A_SECOND;
  await waitUntil('all figures on the page', async () => (await shown()) === total);
  const state = (await (await fetch(`${origin}/page/state`)).json()) as Snapshot;
  assert.equal(state.counts.completed, total);
  assert.ok(seen.size > 1, 'the page showed figures in between');
  const list = (await (await fetch(`${origin}/page/jobs?limit=50`)).json()) as { jobs: { jobId: string }[] };
  await waitUntil('the last jobs on the page', async () => {
    const rows = await page
      .locator('#jobs-rows tr')
      .evaluateAll((found) => found.map((row) => row.getAttribute('data-job') ?? ''));
    return rows.join(' ') === list.jobs.map(({ jobId }) => jobId).join(' ');
  });
  assert.deepEqual(complaints, []);

  const badge = async (word: string): Promise<void> => {
    await waitUntil(`${word} on the page`, async () => (await page.textContent('#badge'))?.includes(word));
  };
  node.child.kill('SIGTERM');
  await badge('Connection lost');
  await node.ended;
  bench.spawn(['start', '--port', new URL(origin).port]);
  await badge('Ready');
  // The jobs of before are in the history.
  assert.equal(await page.locator('#jobs-rows tr').count(), 50);
  await page.locator('#connection').waitFor({ state: 'hidden' });

  // A page that nobody sees has no connection.
  const setHidden = async (isHidden: boolean): Promise<void> => {
    await page.evaluate(`
      Object.defineProperty(document, 'hidden', { configurable: true, value: ${isHidden} });
      document.dispatchEvent(new Event('visibilitychange'));
    `);
  };
  const isStream = (request: { url(): string }): boolean => request.url().endsWith('/page/events');
  const closed = page.waitForEvent('requestfailed', isStream);
  await setHidden(true);
  await closed;
  const opened = page.waitForEvent('request', isStream);
  await setHidden(false);
  await opened;
});
