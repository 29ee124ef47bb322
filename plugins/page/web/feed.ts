// What the page reads from the node: single answers, and the stream of events with its reconnects.
import type { JobsEvent, PageEvents, Refusal, Snapshot, Span } from '../api.ts';

/** The node sends its state every five seconds: without it for this long, the connection is lost. */
const SILENT_MS = 12_000;
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 10_000;

/** A request that was not done. `remedy`: what to do about it. */
export class RefusedError extends Error {
  readonly remedy: string | null;

  constructor(refusal: Refusal) {
    super(refusal.error);
    this.remedy = refusal.remedy;
  }
}

/** Rejects with a RefusedError, unless it was aborted. */
export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(path, { cache: 'no-store', ...init }).catch((thrown: unknown) => {
    if (init.signal?.aborted === true) throw thrown;
    throw new RefusedError({ error: 'the node does not answer', remedy: 'See whether it runs: coda status' });
  });
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body as T;
  const refusal = body as Partial<Refusal> | null;
  throw new RefusedError({
    error: refusal?.error ?? `the node answered ${response.status}`,
    remedy: refusal?.remedy ?? null,
  });
}

/** An error as one text for the reader. */
export function errorText(thrown: unknown): string {
  if (thrown instanceof RefusedError) {
    return thrown.remedy === null ? thrown.message : `${thrown.message} → ${thrown.remedy}`;
  }
  return thrown instanceof Error ? thrown.message : String(thrown);
}

export interface FeedListener {
  /** Each time that the stream is up, also after an interruption: lists have to be read once more. */
  opened(): void;
  /** It is down; `seenAt`: when the last message came, by the clock of the browser. */
  lost(seenAt: number | null): void;
  state(snapshot: Snapshot): void;
  jobs(event: JobsEvent): void;
  spans(spans: readonly Span[]): void;
}

/** Follows the node while somebody sees the page; a hidden page has no connection. */
export class Feed {
  readonly #listener: FeedListener;
  #source: EventSource | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retryMs = RETRY_FIRST_MS;
  #seenAt: number | null = null;
  /** The clock of the node, less that of this browser. */
  #skewMs = 0;

  constructor(listener: FeedListener) {
    this.#listener = listener;
  }

  start(): void {
    document.addEventListener('visibilitychange', () => this.#follow());
    this.#follow();
  }

  /** The time by the node's clock. */
  now(): number {
    return Date.now() + this.#skewMs;
  }

  #follow(): void {
    this.#disconnect();
    if (!document.hidden) this.#connect();
  }

  #connect(): void {
    const source = new EventSource('/page/events');
    this.#source = source;
    source.addEventListener('open', () => {
      this.#retryMs = RETRY_FIRST_MS;
      this.#listener.opened();
    });
    source.addEventListener('error', () => this.#again());
    on(source, 'state', (snapshot) => {
      this.#skewMs = snapshot.at - Date.now();
      this.#alive();
      this.#listener.state(snapshot);
    });
    on(source, 'jobs', (event) => {
      this.#alive();
      this.#listener.jobs(event);
    });
    on(source, 'spans', ({ spans }) => {
      this.#alive();
      this.#listener.spans(spans);
    });
    this.#watch();
  }

  #alive(): void {
    this.#seenAt = Date.now();
    this.#watch();
  }

  /** A connection can be dead without an error, for example after the machine has slept. */
  #watch(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#again(), SILENT_MS);
  }

  #again(): void {
    this.#disconnect();
    this.#listener.lost(this.#seenAt);
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MOST_MS);
  }

  #disconnect(): void {
    this.#source?.close();
    clearTimeout(this.#watchdog);
    clearTimeout(this.#retry);
  }
}

function on<K extends keyof PageEvents>(
  source: EventSource,
  name: K,
  listener: (data: PageEvents[K]) => void,
): void {
  source.addEventListener(name, ({ data }: MessageEvent<string>) =>
    listener(JSON.parse(data) as PageEvents[K]),
  );
}
