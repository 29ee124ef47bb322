// The page: joins the stream of the node with the panels. Whatever comes, the page is drawn once a frame at most.
import type { Snapshot, Timeline } from '../api.ts';
import { byId, onceAFrame, setText } from './dom.ts';
import { ask, Feed } from './feed.ts';
import { counted } from './format.ts';
import { DetailPanel } from './panels/detail.ts';
import { DevicePanel } from './panels/device.ts';
import { JobsPanel } from './panels/jobs.ts';
import { NowPanel } from './panels/now.ts';
import { ResultsPanel } from './panels/results.ts';
import { RunPanel } from './panels/run.ts';
import { StatusPanel } from './panels/status.ts';
import { TimelinePanel } from './panels/timeline.ts';
import { TrendsPanel } from './panels/trends.ts';

/** Times that grow are written again this often. */
const TICK_MS = 250;
/** A screen reader hears of failures this often at most. */
const ANNOUNCE_MS = 15_000;

let snapshot: Snapshot | undefined;
let isLost = false;
let deviceOf: string | undefined;
/** Failures that a screen reader has heard of. */
let announced: number | undefined;

const feed = new Feed({
  opened: () => void readLists(),
  lost: (seenAt) => {
    isLost = true;
    status.lost(seenAt);
  },
  state: (next) => {
    isLost = false;
    snapshot = next;
    timeline.show(next);
    results.follow(next);
    run.follow(next);
    const device = `${next.device.executor} ${next.cloud.qpuId}`;
    if (device !== deviceOf) void devices.read();
    deviceOf = device;
    draw();
  },
  jobs: (event) => jobs.add(event),
  spans: (spans) => timeline.spans.add(spans, feed.now()),
});
const now = (): number => feed.now();
const detail = new DetailPanel();
const openJob = (jobId: string): void => void detail.open(jobId);
const status = new StatusPanel();
const figures = new NowPanel();
const timeline = new TimelinePanel({ now, openJob });
const jobs = new JobsPanel({ now, openJob });
const devices = new DevicePanel();
const trends = new TrendsPanel();
const results = new ResultsPanel(openJob);
const run = new RunPanel(openJob);

const draw = onceAFrame(() => {
  if (snapshot === undefined || isLost) return;
  status.draw(snapshot, now());
  figures.draw(snapshot, now());
  devices.light(snapshot.device.busyEdges, now());
  timeline.redraw();
});

setInterval(() => {
  if (!document.hidden) draw();
}, TICK_MS);
setInterval(() => {
  const failed = snapshot?.counts.failed ?? 0;
  const more = failed - (announced ?? failed);
  if (more > 0) setText(byId('announcer'), `${counted(more, 'job')} failed`);
  if (snapshot !== undefined) announced = failed;
}, ANNOUNCE_MS);
feed.start();

async function readLists(): Promise<void> {
  void jobs.read();
  void trends.read();
  void results.read();
  void devices.read();
  try {
    timeline.spans.replace((await ask<Timeline>('/page/timeline')).spans);
  } catch {
    // The stream says that the node does not answer.
  }
}
