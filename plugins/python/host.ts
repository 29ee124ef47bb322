// The Python process that runs the executor: its start, the frames on its descriptors (host/PROTOCOL.md), and its end.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Readable, Writable } from 'node:stream';
import { messageOf, type Logger } from '../../src/index.ts';
import { encodeFrame, FrameReader, type Frame } from './frames.ts';
import { oomKills } from './oom-kills.ts';
import { DriverOutput } from './output.ts';

/** From a close to SIGTERM, and from there to SIGKILL. Together less than the node waits for a release. */
const CLOSE_MS = 4_000;
const TERM_MS = 3_000;
/** How long the output of a dead process may still be held open by what it has started. */
const OUTPUT_MS = 300;
const EXIT_BROKEN = 70;
const EXIT_MEMORY = 71;
/** Exit codes of the host itself. */
const OWN_ENDS: ReadonlyMap<number | null, string> = new Map([
  [EXIT_BROKEN, 'did not understand the node'],
  [EXIT_MEMORY, 'ran out of memory'],
]);

export type Head = Frame['head'];

export interface HostOptions {
  readonly python: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** The job that runs now, for the lines of its output. */
  readonly jobOf: () => string | undefined;
}

/** How the process ended, for people: `was ended by SIGSEGV: Fatal Python error: …`. */
export type HostEnd = string;

export class PythonHost {
  readonly output: DriverOutput;
  /** Resolves when the process is gone, before its last answers and lines are read. */
  readonly exited: Promise<void>;
  /** Resolves when all that it has sent is read. */
  readonly ended: Promise<HostEnd>;
  /** Takes every answer that no `request` waits for. */
  onAnswer: (head: Head) => void = () => {};
  onPong: (n: unknown) => void = () => {};
  readonly #child: ChildProcess;
  readonly #control: Writable | undefined;
  readonly #ahead: Writable | undefined;
  #waiting: { readonly kinds: readonly string[]; readonly take: (head: Head) => void } | undefined;
  readonly #oomKills = oomKills();
  #hasExited = false;
  /** How it ended, if the node knows that better than what is left of the process. */
  #end: string | undefined;

  constructor({ python, env, log, jobOf }: HostOptions) {
    this.output = new DriverOutput(log.child('driver'), jobOf);
    this.#child = spawn(python, ['-u', hostFile()], {
      // A group of its own: Ctrl-C is the node's, and the whole group can be ended.
      detached: true,
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    let failure: string | undefined;
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', (error) => {
        failure = `cannot be started: ${messageOf(error)}`;
        resolve();
      });
    });
    const closed = new Promise<void>((resolve) => this.#child.once('close', () => resolve()));
    this.ended = this.exited.then(async () => {
      this.#hasExited = true;
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, OUTPUT_MS).unref())]);
      this.output.flush();
      return failure ?? this.#endText();
    });
    const { stdout, stderr } = this.#child;
    if (stdout !== null) this.output.read(stdout, false);
    if (stderr !== null) this.output.read(stderr, true);
    this.#control = this.#writable(3);
    this.#frames(4, (head) => this.#take(head));
    this.#ahead = this.#writable(5);
    this.#frames(6, (head) => this.onPong(head['n']));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  control(head: Head, body?: string): void {
    this.#control?.write(encodeFrame(head, body));
  }

  ahead(head: Head, body?: string): void {
    this.#ahead?.write(encodeFrame(head, body));
  }

  /** Sends `head`, if there is one, and waits for an answer of one of these kinds. One request at a time. Rejects with
   *  an Error that says how the process ended, if it does. */
  async request(head: Head | undefined, ...kinds: readonly string[]): Promise<Head> {
    const answer = new Promise<Head>((take) => (this.#waiting = { kinds, take }));
    if (head !== undefined) this.control(head);
    const death = this.ended.then((end): never => {
      throw new Error(end);
    });
    death.catch(() => {});
    return Promise.race([answer, death]);
  }

  /** Ends the process and its group, politely first. */
  async close(): Promise<void> {
    this.control({ t: 'close' });
    const term = setTimeout(() => this.#signal('SIGTERM'), CLOSE_MS);
    const kill = setTimeout(() => this.#signal('SIGKILL'), CLOSE_MS + TERM_MS);
    await this.exited;
    clearTimeout(term);
    clearTimeout(kill);
  }

  /** Ends the process and its group at once. `why` completes: "the Python process of the executor …". */
  kill(why: string): void {
    this.#end ??= why;
    this.#signal('SIGKILL');
  }

  /** It cannot go on, and has said so: ends it politely. */
  retire(why: string): void {
    this.#end ??= why;
    void this.close();
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#hasExited) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It has no group of its own yet, or is gone.
      this.#child.kill(signal);
    }
  }

  #take(head: Head): void {
    const waiting = this.#waiting;
    if (waiting?.kinds.includes(head.t) !== true) {
      this.onAnswer(head);
      return;
    }
    this.#waiting = undefined;
    waiting.take(head);
  }

  #endText(): string {
    if (this.#end !== undefined) return this.#end;
    const { exitCode, signalCode } = this.#child;
    const tail = this.output.tail(300);
    const how =
      signalCode === null
        ? (OWN_ENDS.get(exitCode) ?? `ended with exit code ${exitCode}`)
        : `was ended by ${signalCode}${signalCode === 'SIGKILL' ? this.#whoKilled() : ''}`;
    return tail === '' ? how : `${how}: ${tail}`;
  }

  #whoKilled(): string {
    const kills = oomKills();
    if (kills === undefined || this.#oomKills === undefined) return ' (out of memory, or somebody)';
    return kills > this.#oomKills ? ' (out of memory: by the kernel)' : ' (by somebody)';
  }

  #writable(fd: number): Writable | undefined {
    const stream = this.#child.stdio[fd];
    // Without a process there is none. An error of it is the end of the process.
    return stream instanceof Writable ? stream.on('error', () => {}) : undefined;
  }

  #frames(fd: number, take: (head: Head) => void): void {
    const stream = this.#child.stdio[fd];
    if (!(stream instanceof Readable)) return;
    const reader = new FrameReader();
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      try {
        for (const { head } of reader.push(chunk)) take(head);
      } catch (thrown) {
        stream.destroy();
        this.kill(`sent what the node does not understand: ${messageOf(thrown)}`);
      }
    });
  }
}

/** Beside the bundle, or in the build that it is made from. */
function hostFile(): string {
  const places = ['../python/host.py', '../../python/host.py'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return places.find((path) => existsSync(path)) ?? places[0] ?? '';
}
