// The timeline: above, how much of the time something ran; below, why nothing did. The same in words at the pointer, at the
// arrow keys, and as a list.
import type { GapReason, Snapshot, Span } from '../../api.ts';
import { byId, colour, h, keyedList, onceAFrame, onTheme, setAttribute, setText, show } from '../dom.ts';
import { clock, duration } from '../format.ts';
import { choice } from '../choice.ts';
import { drawCross, drawPattern, fillSign, GAPS, legendItem } from '../timeline-drawing.ts';
import { columnsOf, KEPT_MS, Spans, spanText } from '../spans.ts';

const RANGES = { '1 min': 60_000, '10 min': KEPT_MS } as const;
const LISTED_GAPS = 50;
/** Shorter ones are not worth a line. */
const LISTED_GAP_MS = 100;
const TOP = 9;
const RUNS_HEIGHT = 47;
/** A multiple of the height of a pattern. */
const GAPS_TOP = 60;
const GAPS_HEIGHT = 12;
const LABELS_AT = 89;
const FONT = '11px system-ui, sans-serif';
/** Time between two labels: as many as fit. */
const STEPS_MS = [10_000, 20_000, 60_000, 120_000, 300_000];
const LABEL_WIDTH = 80;

export interface TimelineOptions {
  readonly now: () => number;
  readonly openJob: (jobId: string) => void;
}

export class TimelinePanel {
  readonly spans = new Spans();
  readonly #options: TimelineOptions;
  readonly #track = byId('timeline-track');
  readonly #canvas = byId('timeline-canvas') as HTMLCanvasElement;
  readonly #gaps = byId('gaps') as HTMLDetailsElement;
  #snapshot: Snapshot | undefined;
  #rangeMs: number = RANGES['1 min'];
  /** What was drawn last, for the pointer and the keys. */
  #shown: { spans: Span[]; from: number; to: number } = { spans: [], from: 0, to: 0 };
  /** The beginning of the span that is looked at. */
  #cursor: number | undefined;
  #patterns = new Map<GapReason, CanvasPattern | string>();
  readonly redraw = onceAFrame(() => this.#draw());

  readonly #rows = keyedList<Span, HTMLTableRowElement>(byId('gaps-rows'), {
    key: ({ from }) => String(from),
    create: ({ from }) =>
      h('tr', {}, h('td', { class: 'id' }, clock(from)), h('td', { class: 'right' }), h('td')),
    update: ({ children }, { from, to, text }) => {
      if (children[1] !== undefined) setText(children[1], duration(to - from));
      if (children[2] !== undefined) setText(children[2], text ?? '');
    },
  });

  constructor(options: TimelineOptions) {
    this.#options = options;
    choice(byId('timeline-range'), Object.keys(RANGES) as (keyof typeof RANGES)[], '1 min', (name) => {
      this.#rangeMs = RANGES[name];
      this.redraw();
    });
    const track = this.#track;
    track.addEventListener('pointermove', ({ offsetX }) => this.#point(offsetX));
    track.addEventListener('pointerleave', () => this.#leave());
    track.addEventListener('blur', () => this.#leave());
    track.addEventListener('click', () => this.#open());
    track.addEventListener('keydown', (event) => this.#key(event));
    this.#gaps.addEventListener('toggle', this.redraw);
    new ResizeObserver(this.redraw).observe(track);
    onTheme(() => {
      this.#patterns.clear();
      this.#legend();
      this.redraw();
    });
    this.#legend();
  }

  show(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
  }

  #draw(): void {
    const now = this.#options.now();
    const from = now - this.#rangeMs;
    const spans = this.spans.within(from, now, this.#snapshot);
    this.#shown = { spans, from, to: now };
    this.#paint(spans, from, now);
    this.#point();
    if (this.#gaps.open) this.#list(this.spans.within(now - KEPT_MS, now, this.#snapshot));
  }

  #paint(spans: readonly Span[], from: number, to: number): void {
    const { clientWidth: width, clientHeight: height } = this.#track;
    const scale = devicePixelRatio;
    const canvas = this.#canvas;
    if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
    if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
    const context = canvas.getContext('2d');
    if (context === null || width === 0) return;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);

    const count = Math.floor(width);
    const { busy, failed, reasons } = columnsOf(spans, from, to, count);
    const [run, bad, idle] = [colour('run'), colour('bad'), colour('idle')];
    context.fillStyle = idle;
    context.fillRect(0, TOP + RUNS_HEIGHT, width, 1);
    for (let x = 0; x < count; x++) {
      const part = busy[x] ?? -1;
      if (part > 0) {
        const tall = Math.max(2, part * RUNS_HEIGHT);
        context.fillStyle = run;
        context.fillRect(x, TOP + RUNS_HEIGHT - tall, 1, tall);
      }
      const reason = reasons[x] ?? null;
      const ink = reason === null || part >= 0.995 ? undefined : this.#ink(context, reason);
      if (ink !== undefined) {
        context.fillStyle = ink;
        context.fillRect(x, GAPS_TOP, 1, GAPS_HEIGHT);
      }
    }
    context.fillStyle = bad;
    for (let x = 0; x < count; x++) if (failed[x] === 1) drawCross(context, x);
    this.#labels(context, from, to, width);
  }

  #labels(context: CanvasRenderingContext2D, from: number, to: number, width: number): void {
    const most = width / LABEL_WIDTH;
    const step = STEPS_MS.find((ms) => (to - from) / ms <= most) ?? this.#rangeMs;
    context.fillStyle = colour('quiet');
    context.font = FONT;
    context.textAlign = 'center';
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      const x = ((at - from) / (to - from)) * width;
      context.fillRect(x, GAPS_TOP + GAPS_HEIGHT + 3, 1, 4);
      if (x > LABEL_WIDTH / 2 && x < width - LABEL_WIDTH / 2) context.fillText(clock(at), x, LABELS_AT);
    }
  }

  #ink(context: CanvasRenderingContext2D, reason: GapReason): CanvasPattern | string | undefined {
    const known = this.#patterns.get(reason);
    if (known !== undefined) return known;
    const gap = GAPS[reason];
    if (gap === undefined) return undefined;
    const tile = drawPattern(gap.pattern, colour(gap.ink), colour('idle'));
    const pattern = context.createPattern(tile, 'repeat') ?? colour(gap.ink);
    this.#patterns.set(reason, pattern);
    return pattern;
  }

  #legend(): void {
    const items = [
      legendItem('something ran', (context) => fillSign(context, colour('run'))),
      legendItem('failed', (context) => {
        context.fillStyle = colour('bad');
        context.translate(0, 1);
        drawCross(context, 9);
      }),
      ...Object.entries(GAPS).map(([reason, gap]) =>
        gap === undefined
          ? undefined
          : legendItem(gap.name, (context) =>
              fillSign(context, this.#ink(context, reason as GapReason) ?? ''),
            ),
      ),
    ];
    byId('timeline-legend').replaceChildren(...items.filter((element) => element !== undefined));
  }

  #list(spans: readonly Span[]): void {
    const gaps = spans.filter(
      ({ busy, reason, from, to }) =>
        busy === 0 && reason !== null && reason !== 'between runs' && to - from >= LISTED_GAP_MS,
    );
    this.#rows(gaps.slice(-LISTED_GAPS).toReversed());
    show(byId('gaps-none'), gaps.length === 0);
  }

  /** Shows the span at a place, or the one that is looked at already. */
  #point(offsetX?: number, isAsked = false): void {
    const { spans, from, to } = this.#shown;
    const width = this.#track.clientWidth;
    if (offsetX !== undefined) {
      const at = from + (offsetX / width) * (to - from);
      const isHere = (span: Span): boolean => span.from <= at && at <= span.to;
      // A short run is easier to hit than the time that it took.
      const near = ((to - from) / width) * 3;
      const isNear = (span: Span): boolean => span.from - near <= at && at <= span.to + near;
      const runs = spans.filter(({ busy }) => busy > 0);
      const hit = runs.find(isHere) ?? runs.find(isNear) ?? spans.find(isHere);
      this.#cursor = hit?.from;
    }
    const index = spans.findIndex((span) => span.from === this.#cursor);
    const span = spans[index];
    const tip = byId('timeline-tip');
    show(tip, span !== undefined);
    setAttribute(this.#track, 'aria-valuemax', Math.max(0, spans.length - 1));
    setAttribute(this.#track, 'aria-valuenow', Math.max(0, index));
    const text = span === undefined ? `${spans.length} runs and gaps` : spanText(span, to);
    // A screen reader hears what a key has led to, and not how that grows.
    if (isAsked || document.activeElement !== this.#track) setAttribute(this.#track, 'aria-valuetext', text);
    if (span === undefined) return;
    setText(tip, text);
    const middle = ((Math.max(from, (span.from + span.to) / 2) - from) / (to - from)) * width;
    tip.style.left = `${Math.max(0, Math.min(middle - tip.offsetWidth / 2, width - tip.offsetWidth))}px`;
  }

  #leave(): void {
    this.#cursor = undefined;
    this.#point();
  }

  #open(): void {
    const span = this.#shown.spans.find(({ from }) => from === this.#cursor);
    if (span !== undefined && span.jobId !== null && span.jobs > 0) this.#options.openJob(span.jobId);
  }

  #key(event: KeyboardEvent): void {
    const { spans } = this.#shown;
    const last = spans.length - 1;
    const index = spans.findIndex(({ from }) => from === this.#cursor);
    const known = index === -1 ? last + 1 : index;
    const next = new Map([
      ['ArrowLeft', known - 1],
      ['ArrowRight', known + 1],
      ['Home', 0],
      ['End', last],
    ]).get(event.key);
    if (event.key === 'Escape') this.#leave();
    else if (event.key === 'Enter') this.#open();
    else if (next !== undefined) {
      event.preventDefault();
      this.#cursor = spans[Math.max(0, Math.min(next, last))]?.from;
      this.#point(undefined, true);
    }
  }
}
