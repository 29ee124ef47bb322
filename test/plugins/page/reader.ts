// A reader of the page's events, as a browser is one, and plain requests to the page.
import assert from 'node:assert/strict';
import type { PageEvents, Snapshot } from '../../../plugins/page/api.ts';
import { waitUntil, type TestNode } from '../../../src/testing/index.ts';
import { healthAddress } from '../../../src/kit.ts';

type Name = keyof PageEvents;

export function urlOf({ node }: Pick<TestNode, 'node'>): string {
  const { host, port } = node.services.require(healthAddress)()();
  return `http://${host}:${port}`;
}

export async function ask<T>(url: string, init: RequestInit = {}): Promise<T> {
  const answer = await fetch(url, init);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text) as T;
}

export class Reader {
  readonly events: { readonly name: Name; readonly data: unknown }[] = [];
  /** All that came, as it came. */
  text = '';
  ended = false;
  readonly #stop = new AbortController();

  static async open(url: string): Promise<Reader> {
    const reader = new Reader();
    const answer = await fetch(`${url}/page/events`, { signal: reader.#stop.signal });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
    void reader.#read(answer).catch(() => {});
    return reader;
  }

  of<K extends Name>(name: K): PageEvents[K][] {
    return this.events.filter((event) => event.name === name).map(({ data }) => data as PageEvents[K]);
  }

  get state(): Snapshot | undefined {
    return this.of('state').at(-1);
  }

  async until(what: string, is: (state: Snapshot) => boolean): Promise<Snapshot> {
    await waitUntil(what, () => this.state !== undefined && is(this.state));
    return this.state ?? assert.fail();
  }

  close(): void {
    this.#stop.abort();
  }

  async #read(answer: Response): Promise<void> {
    let rest = '';
    try {
      for await (const chunk of answer.body ?? []) {
        const text = Buffer.from(chunk as Uint8Array).toString();
        this.text += text;
        const blocks = `${rest}${text}`.split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) this.#take(block);
      }
    } finally {
      this.ended = true;
    }
  }

  #take(block: string): void {
    const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
    if (name === undefined || data === undefined) return assert.match(block, /^retry: \d+$/);
    this.events.push({ name: name as Name, data: JSON.parse(data) as unknown });
  }
}
