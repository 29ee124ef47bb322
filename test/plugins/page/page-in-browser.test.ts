// The page in a real browser, over a running `coda dev`: what an operator sees, and what never leaves the machine.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import {
  accessibilityFaults,
  colourOf,
  openPage,
  pixelsOf,
  skip,
  startBrowser,
  type Watched,
} from './browser.ts';
import { startDevSession, type DevSession } from './dev-session.ts';

describe('the page', { skip }, () => {
  let browser: Browser;
  let dev: DevSession;
  let view: Watched;

  before(async () => {
    [browser, dev] = await Promise.all([startBrowser(), startDevSession()]);
    view = await openPage(browser, dev.link);
    // Lost if the page is loaded again.
    await view.page.evaluate('window.isFirst = true');
  });
  after(async () => {
    await browser.close();
    await dev.close();
  });

  const text = async (selector: string): Promise<string> => (await view.page.textContent(selector)) ?? '';
  const seen = async (what: string, check: () => Promise<unknown>): Promise<void> => {
    await waitUntil(`${what} on the page`, async () => Boolean(await check()));
  };
  const submit = (shots = 400): Promise<string> => dev.client.submit(bell('cz').ir, shots);

  it('shows the state of the node, and the jobs before it was opened', async () => {
    const { page } = view;
    await seen('ready', async () => (await text('#badge')).includes('Ready'));
    await page.locator('#jobs-rows tr').nth(3).waitFor();
    assert.match(await text('#facts'), /VPNready.*Redisanswers.*Executor.*coda\.config\.ts.*Version\d/);
    await seen('four jobs done', async () => /Completed4/.test(await text('#done-list')));
    assert.match(await page.title(), /^✓ Ready · local-/);
  });

  it('shows a job that appears, runs and ends, without being loaded again', async () => {
    const { page } = view;
    dev.hold();
    const jobId = await submit();
    const waiting = await submit();
    await seen('the running job', async () => (await text('#running-list')).includes(jobId));
    await seen('its time', async () => /^\d+(\.\d)? (ms|s)$/.test(await text('#running-figure')));
    await seen('the job that waits', async () => (await text('#queue-figure')) === '1');
    // The bell circuit couples qubits 0 and 1: one line is lit, and both of its ends.
    await page.locator('#device-graph line.busy').waitFor();
    assert.equal(await page.locator('#device-graph line').count(), 10);
    assert.equal(await page.locator('#device-graph line.busy').count(), 1);
    assert.deepEqual(await page.locator('#device-graph g.busy').allTextContents(), ['0', '1']);
    assert.equal(await text('#device-busy'), 'In use: 0–1');
    const run = await colourOf(page, 'run');
    const runs = await pixelsOf(page, '#timeline-canvas', run);
    await seen('a run that grows', async () => (await pixelsOf(page, '#timeline-canvas', run)) > runs + 100);
    dev.release();
    await page.locator(`tr[data-job="${jobId}"] .outcome[data-outcome="completed"]`).waitFor();
    await page.locator(`tr[data-job="${waiting}"]`).waitFor();
    await seen('idle', async () => (await text('#running-figure')) === 'Idle');
    await seen('no lit edge', async () => (await page.locator('#device-graph .busy').count()) === 0);
    assert.equal(await page.evaluate('window.isFirst'), true);
  });

  it('shows the runs and gaps to the keyboard, and each gap with its reason in a list', async () => {
    const { page } = view;
    const track = page.locator('#timeline-track');
    await track.focus();
    await page.keyboard.press('End');
    await seen('the gap of now', async () =>
      /nothing ran, there were no jobs/.test((await track.getAttribute('aria-valuetext')) ?? ''),
    );
    await page.keyboard.press('ArrowLeft');
    await seen('the run before it', async () => /run/.test(await text('#timeline-tip')));
    await page.keyboard.press('Escape');
    await page.locator('#timeline-tip').waitFor({ state: 'hidden' });
    await page.locator('#gaps summary').click();
    await seen('the gap in the list', async () => /there were no jobs/.test(await text('#gaps-rows')));
    await page.locator('#gaps summary').click();
  });

  it('shows one job whole: its circuit, its counts as bars, its times', async () => {
    const { page } = view;
    await page.fill('#jobs-search', 'bell-');
    await seen('the one job that fits', async () => (await page.locator('#jobs-rows tr').count()) === 1);
    const row = page.locator('#jobs-rows button').first();
    await row.focus();
    await page.keyboard.press('Enter');
    const detail = page.locator('#detail');
    await detail.locator('.histogram').waitFor();
    const bars = await detail
      .locator('.histogram rect')
      .evaluateAll((found) => found.map((bar) => Number(bar.getAttribute('width'))));
    assert.equal(bars[0], 100);
    assert.ok(Math.abs((bars[1] ?? 0) - 100 / 3) < 1, String(bars));
    assert.match((await detail.locator('.histogram').textContent()) ?? '', /0030075 %11100?25 %/);
    assert.ok((await detail.locator('svg.coda-circuit .box').count()) > 2);
    assert.match(
      (await detail.locator('.steps + table').textContent()) ?? '',
      /Sent.*Taken.*Ready.*Run began.*Run ended/,
    );
    await page.keyboard.press('Escape');
    await detail.waitFor({ state: 'hidden' });
    await page.fill('#jobs-search', '');
  });

  it('shows why a job failed, where, and each attempt to deliver that', async () => {
    const { page } = view;
    const jobId = await submit(13);
    const row = page.locator(`tr[data-job="${jobId}"]`);
    await row.locator('.outcome[data-outcome="failed"]').waitFor();
    assert.match((await row.textContent()) ?? '', /the readout of q1 did not lock/);
    const bad = await colourOf(page, 'bad');
    // It is drawn a moment after the row is there.
    await seen('its run in the timeline', async () => (await pixelsOf(page, '#timeline-canvas', bad)) > 10);
    await page.selectOption('#jobs-outcome', 'failed');
    await seen('failed jobs alone', async () => (await page.locator('#jobs-rows tr').count()) === 1);
    await row.click();
    const detail = page.locator('#detail');
    await detail.locator('pre.error').waitFor();
    await seen('the attempt', async () => /1.*delivered/.test((await detail.textContent()) ?? ''));
    assert.match(
      (await detail.textContent()) ?? '',
      /Failed in the executor.*did not lock.*at .*coda\.config\.ts/s,
    );
    await page.keyboard.press('Escape');
    await page.selectOption('#jobs-outcome', '');
  });

  it('keeps the token out of the address, and pauses and resumes with it', async () => {
    const { page } = view;
    assert.equal(page.url(), `${new URL(dev.link).origin}/`);
    await page.click('#switches button');
    await seen('the pause', async () => (await text('#badge')).includes('Paused'));
    await seen('its effect', async () => (await text('#message')).startsWith('Paused: no new job is taken'));
    assert.deepEqual(await accessibilityFaults(page), []);
    const jobId = await submit();
    await seen('the reason of the gap', async () =>
      /paused by the operator/.test(await text('#running-text')),
    );
    await page.getByRole('button', { name: 'Resume' }).click();
    await seen('no pause', async () => (await text('#badge')).includes('Ready'));
    await page.locator(`tr[data-job="${jobId}"]`).waitFor();
  });

  it('cancels a job, once it was asked for it', async () => {
    const { page } = view;
    dev.hold();
    const jobId = await submit();
    const cancel = page.locator('#running-list').getByRole('button', { name: `Cancel ${jobId}` });
    await cancel.click();
    await page.getByRole('button', { name: 'Leave it' }).click();
    await cancel.click();
    await page.getByRole('button', { name: 'Cancel the job' }).click();
    await page.locator(`tr[data-job="${jobId}"] .outcome[data-outcome="cancelled"]`).waitFor();
    dev.release();
  });

  it('runs a circuit from a file, and one that is dropped on the page, and says what is wrong with one', async () => {
    const { page } = view;
    const run = page.locator('#run-answer');
    writeFileSync(join(dev.folder, 'bell.qasm'), BELL);
    await page.setInputFiles('#run-file', join(dev.folder, 'bell.qasm'));
    await page.fill('#run-shots', '40');
    await page.click('#run-form button[type=submit]');
    await run.locator('.histogram').waitFor();
    assert.match((await run.textContent()) ?? '', /bell\.qasm has run.*0030.*1110/s);
    await run.getByRole('button', { name: 'Everything about it' }).click();
    await seen('that it is local', async () => /Fromthis machine/.test(await text('#detail')));
    await page.keyboard.press('Escape');

    dev.hold();
    await drop(page, 'dropped.json', JSON.stringify(bell('cz').ir));
    await seen('the dropped circuit on the device', async () =>
      (await text('#running-list')).includes('local'),
    );
    dev.release();
    await seen('its end', async () => /dropped\.json has run/.test((await run.textContent()) ?? ''));
    await seen('two local runs', async () => (await page.locator('#jobs-rows .local').count()) === 2);

    await drop(page, 'broken.qasm', 'OPENQASM 3; qubit[2] q; h q[7];');
    await seen('what is wrong', async () =>
      /broken\.qasm.*7/s.test((await run.locator('.bad').textContent()) ?? ''),
    );
  });

  it('takes no action without the token, or with a wrong one, and says so', async () => {
    const { origin } = new URL(dev.link);
    const reader = (await openPage(browser, origin)).page;
    await reader.locator('#jobs-rows tr').first().waitFor();
    assert.equal(await reader.locator('#switches').isVisible(), false);
    assert.equal(await reader.locator('#run').isVisible(), false);
    const post = "fetch('/page/actions/pause', { method: 'POST', body: '{}' }).then(({ status }) => status)";
    assert.equal(await reader.evaluate(post), 401);
    await reader.close();
    const stranger = (await openPage(browser, `${origin}/#token=wrong`)).page;
    await stranger.click('#switches button');
    const message = stranger.locator('#message.bad');
    await message.waitFor();
    assert.match((await message.textContent()) ?? '', /needs the token of the node.*coda page/);
    assert.match((await stranger.textContent('#badge')) ?? '', /Ready/);
    await stranger.close();
  });

  it('draws the trends', async () => {
    const { page } = view;
    // A range is read when it is chosen; what has run so far is in its last part.
    await page.getByRole('group', { name: 'Time shown' }).last().getByRole('button', { name: '6 h' }).click();
    await seen('the failed job', async () => /— failed: 1/.test(await text('#trends-charts')));
    assert.equal(await page.locator('#trends-charts canvas').count(), 5);
    assert.equal(await page.locator('#trends-charts [role=img][aria-label]').count(), 5);
    const run = await colourOf(page, 'run');
    await seen('a curve', async () => (await pixelsOf(page, '#trends-charts canvas', run)) > 4);
  });

  it('is accessible in both themes and on a phone, and never wider than the screen', async () => {
    for (const dark of [false, true]) {
      const { page } = await openPage(browser, dev.link, { dark, width: dark ? 360 : 1280 });
      await page.locator('#jobs-rows tr').first().waitFor();
      await page.locator('#gaps summary').click();
      assert.deepEqual(await accessibilityFaults(page), []);
      await page.locator('#jobs-rows button').first().click();
      await page.locator('#detail .steps').waitFor();
      assert.deepEqual(await accessibilityFaults(page), []);
      assert.equal(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0);
      await page.close();
    }
  });

  it('asks nobody but its node, and its policy blocks nothing of it', () => {
    assert.deepEqual([...view.origins], [new URL(dev.link).origin]);
    // The browser notes each answer that is an error: here, that to the broken circuit.
    assert.deepEqual(
      view.complaints.filter((complaint) => !complaint.includes('status of 422')),
      [],
    );
  });

  it('says that the connection is lost, and since when', async () => {
    dev.process.child.kill('SIGKILL');
    await seen('that it is lost', async () =>
      /^Connection lost\. Last seen \d\d:/.test(await text('#connection')),
    );
    assert.match(await text('#badge'), /Connection lost/);
  });
});

const BELL = `OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[2] c;
h q[0];
cx q[0], q[1];
c = measure q;
`;

/** As from the file manager. */
async function drop(page: Page, name: string, content: string): Promise<void> {
  await page.evaluate(`{
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([${JSON.stringify(content)}], ${JSON.stringify(name)}));
    for (const kind of ['dragover', 'drop']) {
      document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
    }
  }`);
}
