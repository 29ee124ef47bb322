// What is asked of the running node: its memory, files and disk, its metrics, its page and `coda status`. An answer that does
// not come, because the node is stopped or has just been killed, is no sample.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { historyDirectory, nodeFolder } from '../../src/state/layout.ts';
import type { NodeProcess } from '../chaos/node-process.ts';
import { fillerOf } from '../chaos/small-disk.ts';
import { coda } from '../cli/process.ts';
import { PROBE_PATH, type HeapAnswer } from './node/probe.ts';

const ANSWER_WITHIN_MS = 10_000;
const MIB = 1024 * 1024;

export class Look {
  readonly #node: NodeProcess;
  readonly #folder: string;

  constructor(node: NodeProcess, folder: string) {
    this.#node = node;
    this.#folder = folder;
  }

  /** What the node's objects take after a garbage collection, in MiB. */
  async heapMb(): Promise<number | undefined> {
    const answer = await this.#get(PROBE_PATH);
    return answer === undefined ? undefined : (JSON.parse(answer) as HeapAnswer).heapBytes / MIB;
  }

  /** A value of a metric without labels. */
  async metric(name: string): Promise<number | undefined> {
    const [, value] = new RegExp(`^${name} (\\S+)$`, 'm').exec((await this.metrics()) ?? '') ?? [];
    return value === undefined ? undefined : Number(value);
  }

  metrics(): Promise<string | undefined> {
    return this.#get('/metrics');
  }

  /** A reader of the page, as a browser is one; call what comes back to close it. */
  async openPage(): Promise<() => void> {
    await this.#get('/');
    await this.#get('/page/state');
    const closing = new AbortController();
    void this.#read('/page/events', closing.signal);
    return () => closing.abort();
  }

  async status(): Promise<void> {
    await coda(['status'], { cwd: this.#folder, env: { CODA_STATE_DIR: this.#node.stateDir } }).ended;
  }

  /** The state directory in MiB: the history, and all else. */
  diskMb(): { readonly historyMb: number; readonly otherMb: number } {
    const folder = this.#node.stateDir;
    const [history, fill] = [historyDirectory(nodeFolder(folder)), fillerOf(folder)];
    let [historyBytes, otherBytes] = [0, 0];
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name);
      const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      if (path.startsWith(history)) historyBytes += size;
      else if (path !== fill) otherBytes += size;
    }
    return { historyMb: historyBytes / MIB, otherMb: otherBytes / MIB };
  }

  async #get(path: string): Promise<string | undefined> {
    return this.#read(path, AbortSignal.timeout(ANSWER_WITHIN_MS));
  }

  async #read(path: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      const answer = await fetch(`${this.#node.url}${path}`, { signal });
      const text = await answer.text();
      return answer.ok ? text : undefined;
    } catch {
      return undefined;
    }
  }
}
