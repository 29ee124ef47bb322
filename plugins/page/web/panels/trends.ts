// Hours and days as curves: how busy the device was, how many jobs, how long they ran and waited, and how many failed.
import UPlot from 'uplot';
import type { Trend, TrendBucket } from '../../api.ts';
import { choice } from '../choice.ts';
import { byId, colour, h, onTheme, setText, show } from '../dom.ts';
import { ask, errorText } from '../feed.ts';
import { clock, duration, number, rate, share, timeText } from '../format.ts';

const RANGES = { '1 h': 1, '6 h': 6, '24 h': 24, '7 d': 168, '30 d': 720 } as const;
const READ_EVERY_MS = 30_000;
const HEIGHT = 140;
const FONT = '11px system-ui, sans-serif';

/** What is drawn of each part of the time; null if it is not known. */
interface Curve {
  readonly name: string;
  readonly of: (bucket: TrendBucket) => number | null;
}

interface Chart {
  readonly title: string;
  readonly write: (value: number) => string;
  readonly curves: readonly Curve[];
  /** The top of the scale is not below this. */
  readonly atLeast: number;
  readonly atMost?: number;
  readonly isSum?: boolean;
}

const CHARTS: readonly Chart[] = [
  {
    title: 'Busy share',
    write: share,
    atLeast: 1,
    atMost: 1,
    curves: [
      { name: 'busy', of: ({ busyMs, knownMs }) => (knownMs === 0 ? null : Math.min(1, busyMs / knownMs)) },
    ],
  },
  {
    title: 'Jobs a second',
    write: rate,
    atLeast: 0.01,
    curves: [
      {
        name: 'jobs/s',
        of: ({ completed, failed, cancelled, knownMs }) =>
          knownMs === 0 ? null : ((completed + failed + cancelled) * 1000) / knownMs,
      },
    ],
  },
  {
    title: 'Run time',
    write: duration,
    atLeast: 1,
    curves: [
      { name: 'median', of: ({ runMs }) => runMs?.p50 ?? null },
      { name: '95 %', of: ({ runMs }) => runMs?.p95 ?? null },
    ],
  },
  {
    title: 'Wait before the run',
    write: duration,
    atLeast: 1,
    curves: [
      { name: 'median', of: ({ waitMs }) => waitMs?.p50 ?? null },
      { name: '95 %', of: ({ waitMs }) => waitMs?.p95 ?? null },
    ],
  },
  {
    title: 'Jobs without a result',
    write: number,
    atLeast: 1,
    isSum: true,
    curves: [
      { name: 'failed', of: ({ failed }) => failed },
      { name: 'cancelled', of: ({ cancelled }) => cancelled },
    ],
  },
];

export class TrendsPanel {
  #hours: number = RANGES['1 h'];
  #trend: Trend | undefined;
  readonly #drawn: { chart: Chart; plot: UPlot | undefined; place: HTMLElement; text: HTMLElement }[];
  #reading: AbortController | undefined;

  constructor() {
    choice(byId('trends-range'), Object.keys(RANGES) as (keyof typeof RANGES)[], '1 h', (name) => {
      this.#hours = RANGES[name];
      void this.read();
    });
    this.#drawn = CHARTS.map((chart) => {
      const place = h('div', { class: 'plot', role: 'img' });
      const text = h('p', { class: 'quiet' });
      byId('trends-charts').append(h('div', { class: 'chart' }, h('h3', {}, chart.title), text, place));
      return { chart, plot: undefined, place, text };
    });
    onTheme(() => this.#draw());
    new ResizeObserver(() => {
      for (const { plot, place } of this.#drawn) plot?.setSize({ width: place.clientWidth, height: HEIGHT });
    }).observe(byId('trends-charts'));
    setInterval(() => {
      if (!document.hidden) void this.read();
    }, READ_EVERY_MS);
  }

  async read(): Promise<void> {
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    const none = byId('trends-none');
    try {
      this.#trend = await ask<Trend>(`/page/trend?hours=${this.#hours}`, { signal: reading.signal });
      show(none, this.#trend.buckets.length === 0);
      setText(none, 'Nothing is known of this time yet.');
      this.#draw();
    } catch (thrown) {
      if (reading.signal.aborted) return;
      show(none, true);
      setText(none, `The trends cannot be shown. ${errorText(thrown)}`);
    }
  }

  #draw(): void {
    const trend = this.#trend;
    if (trend === undefined) return;
    for (const drawn of this.#drawn) {
      const { chart, place, text } = drawn;
      drawn.plot?.destroy();
      const words = textOf(chart, trend.buckets);
      setText(text, words);
      place.setAttribute('aria-label', `${chart.title}: ${words}`);
      const data = dataOf(chart, trend);
      const onPoint = (index: number | null): void =>
        setText(text, index === null ? words : pointText(chart, data, index));
      drawn.plot = new UPlot(optionsOf(chart, trend, place.clientWidth, onPoint), data, place);
    }
  }
}

function dataOf({ curves }: Chart, { from, to, bucketMs, buckets }: Trend): UPlot.AlignedData {
  const known = new Map(buckets.map((bucket) => [bucket.at, bucket]));
  const start = buckets[0]?.at ?? from;
  const times: number[] = [];
  for (let at = start; at < to; at += bucketMs) times.push(at);
  return [
    times.map((at) => at / 1000),
    ...curves.map(({ of }) =>
      times.map((at) => {
        const bucket = known.get(at);
        return bucket === undefined ? null : of(bucket);
      }),
    ),
  ];
}

function optionsOf(
  { curves, write, atLeast, atMost }: Chart,
  { from, to }: Trend,
  width: number,
  onPoint: (index: number | null) => void,
): UPlot.Options {
  const [quiet, line] = [colour('quiet'), colour('line')];
  const axis = {
    stroke: quiet,
    font: FONT,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
  };
  return {
    width,
    height: HEIGHT,
    cursor: { y: false, drag: { x: false, y: false } },
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
    legend: { show: false },
    scales: {
      x: { min: from / 1000, max: to / 1000 },
      y: { range: (_plot, _min, max) => [0, Math.max(atLeast, Math.min(atMost ?? Infinity, max * 1.08))] },
    },
    axes: [
      { ...axis, size: 28, values: (_plot, ticks) => ticks.map((at) => timeText(at * 1000, to - from)) },
      { ...axis, size: 64, values: (_plot, ticks) => ticks.map(write) },
    ],
    series: [
      {},
      ...curves.map(({ name }, index) => ({
        label: name,
        stroke: colour(index === 0 ? 'run' : 'lit'),
        width: index === 0 ? 2 : 1.5,
        ...(index === 0 ? {} : { dash: [5, 4] }),
        points: { size: 4 },
      })),
    ],
  };
}

/** What the curves show at one time. */
function pointText({ curves, write }: Chart, [times, ...values]: UPlot.AlignedData, index: number): string {
  const parts = curves.map(({ name }, curve) => {
    const value = values[curve]?.[index];
    return `${name} ${typeof value === 'number' ? write(value) : 'not known'}`;
  });
  return `${clock((times[index] ?? 0) * 1000)}: ${parts.join(', ')}`;
}

/** What the curves show, in words. */
function textOf({ curves, write, isSum = false }: Chart, buckets: readonly TrendBucket[]): string {
  const parts = curves.map(({ name, of }, index) => {
    const values = buckets.flatMap((bucket) => of(bucket) ?? []);
    const mark = curves.length === 1 ? '' : `${index === 0 ? '— ' : '- - '}${name}: `;
    if (values.length === 0) return `${mark}nothing yet`;
    if (isSum) return `${mark}${write(values.reduce((sum, value) => sum + value, 0))}`;
    const last = `now ${write(values.at(-1) ?? 0)}`;
    return curves.length > 1 ? mark + last : `${last}, at most ${write(Math.max(...values))}`;
  });
  return parts.join('; ');
}
