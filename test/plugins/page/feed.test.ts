// The events of the page over real connections: what is made once for all, and who is not waited for.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Snapshot } from '../../../plugins/page/api.ts';
import { Feed } from '../../../plugins/page/feed.ts';
import { RecentJobs } from '../../../plugins/page/recent.ts';
import { Timeline } from '../../../plugins/page/timeline.ts';
import type { EndedJob } from '../../../src/index.ts';
import { waitUntil } from '../../../src/testing/index.ts';
import { Reader } from './reader.ts';

interface Served {
  readonly url: string;
  readonly port: number;
  readonly feed: Feed;
  readonly recent: RecentJobs;
  /** How often the state was looked at. */
  looks: number;
  /** What is in it. */
  text: string;
}

async function serve(t: TestContext, most = 64): Promise<Served> {
  const recent = new RecentJobs();
  const feed = new Feed({
    most,
    recent,
    timeline: new Timeline(),
    payload: (value) => JSON.stringify(value),
    snapshot: () => {
      served.looks += 1;
      return { at: Date.now(), text: served.text } as unknown as Snapshot;
    },
  });
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    feed.add(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    feed.close();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const served: Served = { url: `http://127.0.0.1:${port}`, port, feed, recent, looks: 0, text: '' };
  return served;
}

function ended(i: number): EndedJob {
  return { jobId: `job-${i}`, outcome: { status: 'completed' }, endedAt: i } as EndedJob;
}

test('the events are made once for fifty readers, and not at all without one', async (t) => {
  const served = await serve(t);
  const readers = await Promise.all(Array.from({ length: 50 }, () => Reader.open(served.url)));
  await waitUntil('all readers', () => readers.every(({ state }) => state !== undefined));
  served.looks = 0;
  for (let i = 0; i < 3; i += 1) {
    const before = readers.map((reader) => reader.of('state').length);
    served.text = `state ${i}`;
    await waitUntil('the next state', () =>
      readers.every((reader, at) => reader.of('state').length > (before[at] ?? 0)),
    );
  }
  assert.ok(served.looks >= 3 && served.looks < 50, `${served.looks} looks for 150 events`);
  for (const reader of readers) reader.close();
  await waitUntil('nobody', () => served.feed.size === 0);
  served.looks = 0;
  served.recent.add(ended(1));
  const again = await Reader.open(served.url);
  await waitUntil('its state', () => again.state !== undefined);
  served.recent.add(ended(2));
  await waitUntil('a job', () => again.of('jobs').length > 0);
  // What ended before it came is not news.
  assert.deepEqual(
    again.of('jobs').map(({ jobs, leftOut }) => [jobs.map(({ jobId }) => jobId), leftOut]),
    [[['job-2'], 0]],
  );
  again.close();
});

test('of many jobs at once, the last fifty come, and how many do not', async (t) => {
  const served = await serve(t);
  const reader = await Reader.open(served.url);
  await waitUntil('the state', () => reader.state !== undefined);
  for (let i = 0; i < 100_000; i += 1) served.recent.add(ended(i));
  const seen = (): number =>
    reader.of('jobs').reduce((sum, { jobs, leftOut }) => sum + jobs.length + leftOut, 0);
  await waitUntil('all jobs', () => seen() === 100_000);
  assert.equal(reader.of('jobs')[0]?.jobs.length, 50);
  assert.equal(reader.of('jobs').at(-1)?.jobs[0]?.jobId, 'job-99999');
  assert.equal(served.recent.last(100_000).length, 500);
  reader.close();
});

test('a reader that does not read is dropped, and the others are not', async (t) => {
  const served = await serve(t);
  const reader = await Reader.open(served.url);
  const slow = connect(served.port, '127.0.0.1');
  slow.pause();
  slow.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await waitUntil('both', () => served.feed.size === 2);
  for (let i = 0; i < 30 && served.feed.size === 2; i += 1) {
    const before = reader.of('state').length;
    served.text = `${i}${'x'.repeat(2 * 1024 * 1024)}`;
    await waitUntil('the next state', () => reader.of('state').length > before);
  }
  assert.equal(served.feed.size, 1);
  assert.equal(reader.ended, false);
  slow.destroy();
  reader.close();
});

test('closing ends every stream', async (t) => {
  const served = await serve(t);
  const reader = await Reader.open(served.url);
  await waitUntil('the state', () => reader.state !== undefined);
  served.feed.close();
  await waitUntil('the end', () => reader.ended);
});
