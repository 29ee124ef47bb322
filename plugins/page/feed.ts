// The events of the page: made once for all who listen, and not at all while nobody does.
import type { ServerResponse } from 'node:http';
import type { JobsEvent, PageEvents, Snapshot } from './api.ts';
import type { RecentJobs } from './recent.ts';
import type { Timeline } from './timeline.ts';

const EVERY_MS = 250;
/** A state that has not changed is sent all the same, so that the reader knows that the connection works. */
const AT_LEAST_EVERY_MS = 5_000;
const MOST_ROWS = 50;
/** Who has not read so much is too slow, and has to connect again. */
const MOST_UNREAD_BYTES = 1024 * 1024;
/** After so long a browser connects again. */
const RETRY_MS = 2_000;

export interface FeedOptions {
  readonly most: number;
  readonly snapshot: () => Snapshot;
  readonly recent: RecentJobs;
  readonly timeline: Timeline;
  /** A value as JSON without secrets. */
  readonly payload: (value: unknown) => string;
}

export class Feed {
  readonly #options: FeedOptions;
  readonly #readers = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | undefined;
  /** What the readers have. */
  #state = '';
  #stateAt = 0;
  #jobs = 0;
  #change = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#readers.size;
  }

  get isFull(): boolean {
    return this.#readers.size >= this.#options.most;
  }

  /** Sends events from now on, until the reader leaves or is too slow. */
  add(response: ServerResponse): void {
    // What happened while nobody looked is no news.
    if (this.#readers.size === 0) this.#begin();
    this.#readers.add(response);
    response.once('close', () => this.#remove(response));
    // No answer at all is an error, which `close` follows.
    response.on('error', () => {});
    response.write(`retry: ${RETRY_MS}\n\n${event('state', this.#snapshot())}`);
  }

  /** Ends all streams. */
  close(): void {
    for (const response of this.#readers) response.end();
  }

  #begin(): void {
    const { recent, timeline } = this.#options;
    this.#jobs = recent.count;
    this.#change = timeline.change;
    this.#timer = setInterval(() => this.#tick(), EVERY_MS).unref();
  }

  #remove(response: ServerResponse): void {
    this.#readers.delete(response);
    if (this.#readers.size === 0) clearInterval(this.#timer);
  }

  #tick(): void {
    const text = [this.#stateEvent(), this.#jobsEvent(), this.#spansEvent()].join('');
    if (text === '') return;
    const bytes = Buffer.from(text);
    for (const response of this.#readers) {
      if (response.writableLength > MOST_UNREAD_BYTES) response.destroy();
      else response.write(bytes);
    }
  }

  #snapshot(): string {
    const { snapshot, payload } = this.#options;
    return payload(snapshot());
  }

  #stateEvent(): string {
    const now = performance.now();
    const { snapshot, payload } = this.#options;
    const { at, ...rest } = snapshot();
    const state = payload(rest);
    if (state === this.#state && now - this.#stateAt < AT_LEAST_EVERY_MS) return '';
    this.#state = state;
    this.#stateAt = now;
    // `at` alone is no change.
    return event('state', `{"at":${at},${state.slice(1)}`);
  }

  #jobsEvent(): string {
    const { recent, payload } = this.#options;
    const ended = recent.count - this.#jobs;
    if (ended === 0) return '';
    this.#jobs = recent.count;
    const jobs = recent.last(Math.min(ended, MOST_ROWS)).map(({ row }) => row);
    return event('jobs', payload({ jobs, leftOut: ended - jobs.length } satisfies JobsEvent));
  }

  #spansEvent(): string {
    const { timeline, payload } = this.#options;
    if (timeline.change === this.#change) return '';
    const spans = timeline.spans(Date.now(), this.#change);
    this.#change = timeline.change;
    return spans.length === 0 ? '' : event('spans', payload({ spans } satisfies PageEvents['spans']));
  }
}

/** `data` has no line ends: JSON has none outside of its texts, and escapes those in them. */
function event(name: keyof PageEvents, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}
