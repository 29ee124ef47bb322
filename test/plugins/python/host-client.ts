// Speaks with the Python host as the node does: a real interpreter, the real frames, nothing of the bridge.
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import { encodeFrame, FrameReader, type Frame } from '../../../plugins/python/frames.ts';
import { waitUntil } from '../../../src/testing/index.ts';

export const HOST = resolve('plugins', 'python', 'host', 'host.py');
export const DRIVERS = resolve('test', 'plugins', 'python', 'host-drivers');

type Head = Frame['head'];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface HostOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export class HostClient {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What the driver wrote to 1 and to 2. */
  stdout = '';
  stderr = '';
  readonly #answers: Head[] = [];
  readonly #pongs: Head[] = [];
  readonly #control: Writable;
  readonly #ahead: Writable;

  constructor(t: TestContext, python: string, { cwd = DRIVERS, env = {} }: HostOptions = {}) {
    this.child = spawn(python, ['-u', HOST], {
      cwd,
      detached: true,
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    this.ended = new Promise((done) => {
      this.child.once('close', (code, signal) => done({ code, signal }));
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#control = this.#writable(3);
    this.#collect(4, this.#answers);
    this.#ahead = this.#writable(5);
    this.#collect(6, this.#pongs);
    t.after(async () => {
      this.killGroup();
      await this.ended;
    });
  }

  get output(): string {
    return this.stdout + this.stderr;
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the host was not started');
    return this.child.pid;
  }

  control(head: Head, body?: string | Uint8Array): void {
    this.#control.write(encodeFrame(head, body));
  }

  ahead(head: Head, body?: string | Uint8Array): void {
    this.#ahead.write(encodeFrame(head, body));
  }

  raw(bytes: Uint8Array): void {
    this.#control.write(bytes);
  }

  /** The next answer of this kind, and of this job; other answers stay. */
  async answer(kind: string | readonly string[], id?: string): Promise<Head> {
    return this.#next(this.#answers, [kind].flat(), id);
  }

  async pong(): Promise<Head> {
    return this.#next(this.#pongs, ['pong']);
  }

  get unread(): readonly Head[] {
    return this.#answers;
  }

  get pongCount(): number {
    return this.#pongs.length;
  }

  async start(factory: string, settings: Readonly<Record<string, unknown>> = {}): Promise<Head> {
    this.control({ t: 'init', factory, settings });
    return this.answer(['ready', 'failed_start']);
  }

  async run(id: string, circuit: string, shots = 100): Promise<Head> {
    this.control({ t: 'run', id, shots, circuit: id }, circuit);
    return this.answer(['result', 'error', 'ended'], id);
  }

  async close(): Promise<Ended> {
    this.control({ t: 'close' });
    return this.ended;
  }

  /** As the kernel does it if the node is killed: the node's ends of the descriptors are gone. */
  vanish(): void {
    for (const stream of this.child.stdio.slice(3)) stream?.destroy();
  }

  killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // Nothing is left of it.
    }
  }

  /** Processes of the host's group that still run. */
  group(): number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && groupOf(pid) === this.pid);
  }

  async #next(from: Head[], kinds: readonly string[], id?: string): Promise<Head> {
    const isMeant = (head: Head): boolean =>
      kinds.includes(head.t) && (id === undefined || head['id'] === id);
    let ended = false;
    void this.ended.then(() => {
      ended = true;
    });
    await waitUntil(`an answer ${kinds.join(' or ')}`, () => ended || from.some(isMeant), {
      timeoutMs: 60_000,
    });
    const index = from.findIndex(isMeant);
    const [found] = index < 0 ? [] : from.splice(index, 1);
    if (found === undefined) throw new Error(`the host ended without ${kinds.join(' or ')}:\n${this.output}`);
    return found;
  }

  #writable(fd: number): Writable {
    const stream = this.child.stdio[fd];
    if (!(stream instanceof Writable)) throw new Error(`descriptor ${fd} cannot be written`);
    return stream.on('error', () => {});
  }

  #collect(fd: number, heads: Head[]): void {
    const stream = this.child.stdio[fd];
    if (!(stream instanceof Readable)) throw new Error(`descriptor ${fd} cannot be read`);
    const reader = new FrameReader();
    stream.on('data', (chunk: Buffer) => heads.push(...reader.push(chunk).map(({ head }) => head)));
    stream.on('error', () => {});
  }
}

/** Undefined for a process that has ended, a zombie too. */
function groupOf(pid: number): number | undefined {
  try {
    const [state, , group] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return state === 'Z' ? undefined : Number(group);
  } catch {
    return undefined;
  }
}

export interface Gate {
  readonly gate: string;
  readonly qubits: readonly number[];
  readonly params?: readonly number[];
}

export function circuitText(
  gates: readonly Gate[] = [{ gate: 'rx', qubits: [0], params: [1] }],
  more = {},
): string {
  return JSON.stringify({
    version: '1.0',
    target: 'cz',
    num_qubits: 5,
    gates,
    measurements: [0, 1],
    metadata: { source_hash: 'abc', compiled_at: '2026-01-01T00:00:00Z' },
    ...more,
  });
}
