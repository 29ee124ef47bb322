// The page of a node that runs for long: without jobs, at a thousand a second, after a restart, unseen, and with results that
// the cloud does not take.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import type { JobsPage, Snapshot } from '../../../plugins/page/api.ts';
import { readDoorToken } from '../../../src/state/door-token.ts';
import { bell, startLocalCloud, waitUntil, type LocalCloud } from '../../../src/testing/index.ts';
import { Bench } from '../../cli/operator.ts';
import type { CodaProcess } from '../../cli/process.ts';
import { openPage, skip, startBrowser, type Watched } from './browser.ts';

const SECONDS = 3;
const JOBS_A_SECOND = 1_000;
const CONFIG = `
import { defineConfig } from 'coda-node';
const run = (ir, shots) => Promise.resolve({ counts: { '00': shots }, executionTimeMs: 1, shotsCompleted: shots });
export default defineConfig({ executor: () => ({ run }) });
`;

describe('the page of a node', { skip }, () => {
  let cloud: LocalCloud;
  let browser: Browser;
  let bench: Bench;
  let node: CodaProcess;
  let origin: string;
  let view: Watched;
  const { ir } = bell('cz');

  before(async () => {
    [cloud, browser] = await Promise.all([startLocalCloud(), startBrowser()]);
    bench = new Bench(cloud);
    writeFileSync(join(bench.folder, 'coda.config.ts'), CONFIG);
    node = bench.spawn(['start', '--token', cloud.issueToken()]);
    await node.says('reading jobs');
    origin = /(http:\/\/127\.0\.0\.1:\d+)/.exec(node.output())?.[1] ?? '';
    view = await openPage(browser, origin);
  });
  after(async () => {
    await browser.close();
    await bench.clear();
    await cloud.close();
  });

  const text = async (selector: string): Promise<string> => (await view.page.textContent(selector)) ?? '';
  const seen = async (selector: string, wanted: RegExp): Promise<void> => {
    await waitUntil(`${wanted} in ${selector}`, async () => wanted.test(await text(selector)));
  };
  const answer = async <T>(path: string): Promise<T> => (await (await fetch(origin + path)).json()) as T;

  it('says what to do next while there are no jobs', async () => {
    await seen('#jobs-none', /No job has ended yet.*coda submit/s);
    await seen('#running-figure', /Idle/);
  });

  it('keeps up with a thousand jobs a second', async () => {
    const completed = async (): Promise<number> => {
      const [, number = '0'] = /Completed([\d,]+)/.exec(await text('#done-list')) ?? [];
      return Number(number.replaceAll(',', ''));
    };
    const between = new Set<number>();
    for (let second = 0; second < SECONDS; second++) {
      const begin = performance.now();
      await Promise.all(Array.from({ length: JOBS_A_SECOND }, () => cloud.submit({ ir, shots: 10 })));
      between.add(await completed());
      await sleep(Math.max(0, begin + 1000 - performance.now()));
    }
    const total = SECONDS * JOBS_A_SECOND;
    await waitUntil('all jobs on the page', async () => (await completed()) === total);
    assert.equal((await answer<Snapshot>('/page/state')).counts.completed, total);
    assert.ok(between.size > 1, 'the page showed figures in between');
    const { jobs } = await answer<JobsPage>('/page/jobs?limit=50');
    const last = jobs.map(({ jobId }) => jobId).join(' ');
    await waitUntil('the last 50 jobs on the page', async () => {
      const rows = await view.page
        .locator('#jobs-rows tr')
        .evaluateAll((found) => found.map((row) => row.getAttribute('data-job') ?? ''));
      return rows.join(' ') === last;
    });
    assert.deepEqual(view.complaints, []);
  });

  it('shows older jobs page by page, and comes back to the newest', async () => {
    const first = async (): Promise<string> => text('#jobs-rows tr:first-child button');
    const newest = await first();
    await view.page.click('#jobs-older');
    await waitUntil('older jobs', async () => (await first()) !== newest);
    assert.equal(await view.page.locator('#jobs-rows tr').count(), 50);
    await view.page.click('#jobs-newest');
    await waitUntil('the newest jobs', async () => (await first()) === newest);
  });

  it('finds the node again after its restart, with the jobs of before', async () => {
    node.child.kill('SIGTERM');
    await seen('#badge', /Connection lost/);
    await node.ended;
    node = bench.spawn(['start', '--port', new URL(origin).port]);
    await seen('#badge', /Ready/);
    assert.equal(await view.page.locator('#jobs-rows tr').count(), 50);
    await view.page.locator('#connection').waitFor({ state: 'hidden' });
  });

  it('has no connection while nobody sees it', async () => {
    const { page } = view;
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

  it('shows results that the cloud does not take, and delivers or drops them', async () => {
    const { page } = view;
    // To a browser, the link is no other page in a tab that has the page already, also with a token of an earlier run.
    for (const token of ['earlier', readDoorToken(bench.stateDir)]) {
      const loaded = page.waitForEvent('load');
      await page.goto(`${origin}/#token=${token}`);
      await loaded;
      assert.equal(page.url(), `${origin}/`);
    }
    cloud.fail('webhook', { status: 404, times: 1 });
    const refused = await cloud.submit({ ir, shots: 10 });
    await seen('#results-tables', new RegExp(`1 refused result.*${refused}.*404`, 's'));
    await page.getByRole('button', { name: `Deliver ${refused} again` }).click();
    assert.equal((await cloud.outcome(refused)).status, 'completed');

    cloud.fail('webhook', { status: 503 });
    const waiting = await cloud.submit({ ir, shots: 10 });
    await seen('#results-tables', new RegExp(`1 result to deliver.*${waiting}.*503`, 's'));
    await page.getByRole('button', { name: `Drop the result of ${waiting}` }).click();
    await page.getByRole('button', { name: 'Drop it' }).click();
    await seen('#message', /dropped/);
    await page.locator('#results-none').waitFor();
    cloud.heal();
  });
});
