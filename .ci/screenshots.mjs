// Takes the pictures of the page for docs/images, of a `coda dev` with a device that runs for a minute and a half.
//   npm run screenshots
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { bell, ghz } from '../dist/src/local-cloud/circuits.js';

const IMAGES = 'docs/images';
const MOST_BYTES = 120_000;
const PLAY_MS = 75_000;

/** 27 qubits, coupled as on many devices of transmons; its runs take a second or so, and some fail. */
const EXECUTOR = `
const edges = [[0,1],[1,2],[2,3],[3,5],[1,4],[4,7],[5,8],[7,6],[7,10],[8,9],[8,11],[10,12],[11,14],[12,13],[13,14],[12,15],
  [14,16],[15,18],[16,19],[17,18],[18,21],[19,20],[19,22],[21,23],[22,25],[23,24],[24,25],[25,26]];
let runs = 0;
export const createExecutor = () => ({
  device: { logicalEdges: edges },
  async run(ir, shots, { signal }) {
    const ms = 500 + 700 * Math.abs(Math.sin(++runs)) + (runs % 7 === 0 ? 3000 : 0);
    await new Promise((resolve) => { setTimeout(resolve, ms); signal.addEventListener('abort', resolve); });
    if (runs % 9 === 5) throw new Error('the readout of q3 did not lock: no response at 7.21 GHz in 40 sweeps');
    const width = ir.measurements.length;
    const counts = {};
    const add = (bits, part) => { counts[bits] = (counts[bits] ?? 0) + Math.round(shots * part); };
    add('0'.repeat(width), 0.486);
    add('1'.repeat(width), 0.449);
    for (let bit = 0; bit < width; bit++) {
      const flipped = (base) => [...base.repeat(width)].map((b, at) => (at === bit ? String(1 - Number(b)) : b)).join('');
      add(flipped('0'), 0.04 / width);
      add(flipped('1'), 0.025 / width);
    }
    counts['0'.repeat(width)] += shots - Object.values(counts).reduce((a, b) => a + b, 0);
    return { counts, executionTimeMs: ms, shotsCompleted: shots };
  },
});
`;
const CONFIG = `
const notes = {
  name: 'calibration',
  apply: (node) => node.hooks.onJob.tap('calibration', (job) => job.annotate('calibration', '2031-04-17T03:00Z')),
};
export default { executor: './qpu.mjs:createExecutor', plugins: [notes] };
`;

const folder = mkdtempSync(join(tmpdir(), 'coda-screenshots-'));
writeFileSync(join(folder, 'qpu.mjs'), EXECUTOR);
writeFileSync(join(folder, 'coda.config.mjs'), CONFIG);
const coda = spawn(process.execPath, [resolve('dist/bundle/coda.cjs'), 'dev', '--qubits', '27'], {
  cwd: folder,
  env: { ...process.env, XDG_RUNTIME_DIR: folder },
  stdio: ['ignore', 'pipe', 'inherit'],
});
let output = '';
coda.stdout.on('data', (chunk) => (output += chunk));
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  await take();
} finally {
  await browser.close();
  if (coda.exitCode === null) {
    coda.kill('SIGINT');
    await once(coda, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
}

async function take() {
  while (!output.includes('Ctrl-C ends everything')) {
    if (coda.exitCode !== null) throw new Error(`coda dev has ended: ${output}`);
    await sleep(100);
  }
  const link = /^page +(\S+)$/m.exec(output)[1];
  await play(link);
  mkdirSync(IMAGES, { recursive: true });
  const light = await open(link, { width: 1280, height: 800 });
  await save(light, 'page.webp');
  const dark = await open(link, { width: 1280, height: 800, scheme: 'dark' });
  await dark.locator('tr:has([data-outcome=completed]) button').nth(1).click();
  await dark.locator('#detail .histogram').waitFor();
  await save(dark, 'page-job.webp');
  const phone = await open(link, { width: 360, height: 740, scheme: 'dark' });
  await save(phone, 'page-phone.webp');
}

/** Submits jobs in bursts, so that there are gaps. */
async function play(link) {
  const { url, token } = JSON.parse(readFileSync(join(folder, 'coda-dev.json'), 'utf8'));
  const submit = async (ir) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    await fetch(`${url}/dev/jobs`, { method: 'POST', headers, body: JSON.stringify({ ir, shots: 2000 }) });
  };
  const [page, door] = link.split('#token=');
  const act = async (name, body) => {
    const headers = { authorization: `Bearer ${door}`, 'content-type': 'application/json' };
    await fetch(`${page}page/actions/${name}`, { method: 'POST', headers, body: JSON.stringify(body) });
  };
  const circuits = [ghz(4, 'cz').ir, bell('cz').ir, ghz(3, 'cz').ir];
  const end = Date.now() + PLAY_MS;
  for (let burst = 0; Date.now() < end; burst++) {
    for (let job = 0; job < 4; job++) await submit(circuits[(burst + job) % circuits.length]);
    await sleep(burst % 3 === 2 ? 9_000 : 7_500);
    if (burst !== 3) continue;
    await act('pause', { reason: 'the fridge is warm' });
    await sleep(4_000);
    await act('resume', {});
  }
  for (let job = 0; job < 8; job++) await submit(circuits[0]);
  await sleep(1_500);
}

async function open(link, { width, height, scheme = 'light' }) {
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: 'reduce',
  });
  await page.goto(link);
  await page.locator('#jobs-rows tr').first().waitFor();
  await page.locator('#device-graph svg').waitFor();
  await sleep(1_000);
  return page;
}

/** As WebP, which the browser can write and its screenshots cannot. */
async function save(page, name) {
  const path = join(IMAGES, name);
  const png = (await page.screenshot()).toString('base64');
  const encoder = await browser.newPage();
  const webp = await encoder.evaluate(async (source) => {
    const image = new Image();
    image.src = `data:image/png;base64,${source}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.width, image.height];
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.toDataURL('image/webp', 0.9).split(',')[1];
  }, png);
  await encoder.close();
  writeFileSync(path, Buffer.from(webp, 'base64'));
  const { size } = statSync(path);
  process.stdout.write(`${path}: ${size} bytes\n`);
  if (size > MOST_BYTES) throw new Error(`${path} is larger than ${MOST_BYTES} bytes`);
}
