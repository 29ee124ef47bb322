// Tells a driver that blocks its own event loop from one that holds all of Python, and from a process that is stopped.
//
//   ping -> a thread of the host answers   no answer: C code holds the GIL, or the process is stopped
//   beat -> the main loop answers          no answer, but pongs: the driver blocks its own loop
import { readFileSync } from 'node:fs';
import type { PythonHost } from './host.ts';

const TICK_MS = 1_000;
/** So many ticks without an answer: a node that was busy itself has fewer of them. */
const MISSED = 3;

export class HostWatch {
  readonly #host: PythonHost;
  readonly #timer: NodeJS.Timeout;
  #pingIsOpen = false;
  #beatIsOpen = false;
  #missedPongs = 0;
  #missedBeats = 0;
  #hasAsked = false;
  #since: Date | undefined;

  /** Calls `onTick` each second in which the main loop is free. */
  constructor(host: PythonHost, onTick: () => void) {
    this.#host = host;
    host.onPong = () => {
      this.#pingIsOpen = false;
      this.#missedPongs = 0;
    };
    this.#timer = setInterval(() => {
      this.#tick();
      if (this.#missedBeats === 0) onTick();
    }, TICK_MS).unref();
  }

  /** The main loop has answered. */
  beat(): void {
    this.#beatIsOpen = false;
    this.#missedBeats = 0;
    this.#hasAsked = false;
    this.#since = undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What holds the process up, for people; undefined if nothing does. */
  get trouble(): string | undefined {
    if (this.#missedPongs < MISSED && this.#missedBeats < MISSED) return undefined;
    const since = `since ${(this.#since ?? new Date()).toISOString().slice(11, 19)} UTC`;
    if (this.#missedPongs < MISSED) return `the driver blocks its own event loop ${since}`;
    if (isStopped(this.#host.pid)) return `the Python process is stopped (SIGSTOP) ${since}`;
    return `the driver holds all of Python ${since}: C code that does not release the GIL`;
  }

  #tick(): void {
    if (this.#pingIsOpen) this.#missedPongs += 1;
    else {
      this.#pingIsOpen = true;
      this.#host.ahead({ t: 'ping', n: 0 });
    }
    if (this.#beatIsOpen) this.#missedBeats += 1;
    else {
      this.#beatIsOpen = true;
      this.#host.control({ t: 'beat', n: 0 });
    }
    if (this.#missedBeats === 1) this.#since = new Date();
    if (this.#missedBeats < MISSED || this.#hasAsked) return;
    // Its stack comes out of its standard error, and so into the log.
    this.#hasAsked = true;
    this.#host.ahead({ t: 'where' });
  }
}

function isStopped(pid: number | undefined): boolean {
  try {
    return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
