// A real headless Chromium for the tests of the page, and what it does beside the page is noted.
import { spawnSync } from 'node:child_process';
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';

const PROGRAMS = ['chromium', 'google-chrome', 'google-chrome-stable', 'chromium-browser'];

const program = PROGRAMS.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);

/** The reason, if no browser runs here. */
export const skip = program === undefined ? `no browser here (${PROGRAMS.join(', ')})` : false;

export async function startBrowser(): Promise<Browser> {
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim();
  // Its sandbox does not work for root, nor in most containers.
  return chromium.launch({ executablePath: found, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

export interface Watched {
  readonly page: Page;
  /** Errors and warnings of the page, such as what its policy has blocked. */
  readonly complaints: string[];
  /** The origins that were asked for anything. */
  readonly origins: Set<string>;
}

export async function openPage(
  browser: Browser,
  url: string,
  options: { width?: number; height?: number; dark?: boolean } = {},
): Promise<Watched> {
  const { width = 1280, height = 800, dark = false } = options;
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  const origins = new Set<string>();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) origins.add(new URL(request.url()).origin);
  });
  await page.goto(url);
  return { page, complaints, origins };
}

/** What axe finds wrong, by rule and place; the rules are those of WCAG 2.2 AA, and axe's own good practice. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = (await page.evaluate('axe.run()')) as axe.AxeResults;
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary ?? ''}`),
  );
}

/** How many pixels of a canvas have about this colour, `#rrggbb`. */
export async function pixelsOf(page: Page, selector: string, colour: string): Promise<number> {
  const script = `(() => {
    const { width, height } = document.querySelector(${JSON.stringify(selector)});
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    context.drawImage(document.querySelector(${JSON.stringify(selector)}), 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const [r, g, b] = ${JSON.stringify(colour)}.match(/[0-9a-f]{2}/g).map((part) => parseInt(part, 16));
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      const distance = Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b);
      if (data[at + 3] > 200 && distance < 24) count += 1;
    }
    return count;
  })()`;
  return (await page.evaluate(script)) as number;
}

/** A colour of the style sheet. */
export async function colourOf(page: Page, name: string): Promise<string> {
  return (await page.evaluate(
    `getComputedStyle(document.documentElement).getPropertyValue('--${name}').trim()`,
  )) as string;
}
