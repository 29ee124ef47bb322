// Plugins that want the device for themselves between two jobs, one after another: `node.jobs.hold`.
import type { Trouble } from '../errors.ts';
import type { Admission } from '../kernel/admission.ts';
import { onAbort } from '../net/timing.ts';

/** The device, which nothing uses until this is released. */
export interface Hold {
  /** Fires when the node shuts down: release it soon. */
  readonly signal: AbortSignal;
  /** Gives the device back; a second call does nothing. */
  release(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface HoldsOptions {
  readonly admission: Admission;
  /** Resolves once nothing runs; nothing is started while the admission is closed. */
  readonly idle: () => Promise<void>;
}

export class Holds {
  readonly #options: HoldsOptions;
  readonly #shutdown = new AbortController();
  /** Ends with the last hold, given or awaited. Never rejects. */
  #last: Promise<void> = Promise.resolve();
  #count = 0;

  constructor(options: HoldsOptions) {
    this.#options = options;
  }

  /** No job is taken or started from now on; resolves once the device is idle and no other hold has it. Rejects if the node
   *  shuts down before that. */
  async hold(reason: string): Promise<Hold> {
    if (typeof reason !== 'string' || reason.trim() === '') {
      throw new TypeError('node.jobs.hold takes the reason, which /ready and coda status show');
    }
    return this.take({
      text: `a plugin holds the device: ${reason}`,
      remedy: 'The node continues by itself once the plugin gives the device back.',
    });
  }

  /** As `hold`, with what `/ready` shows. Rejects also when `gaveUp` fires before that. */
  async take({ text, remedy }: Trouble, gaveUp?: AbortSignal): Promise<Hold> {
    const { admission, idle } = this.#options;
    const who = `hold ${(this.#count += 1)}`;
    admission.close(who, text, remedy);
    const before = this.#last;
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = () => {
        admission.open(who);
        resolve();
      };
    });
    this.#last = before.then(() => released);
    const { signal } = this.#shutdown;
    try {
      await orAborted(before.then(idle), gaveUp === undefined ? [signal] : [signal, gaveUp]);
    } catch (thrown) {
      release();
      throw thrown;
    }
    return {
      signal,
      release,
      [Symbol.asyncDispose]: () => {
        release();
        return Promise.resolve();
      },
    };
  }

  /** Asks those who hold the device to give it back; resolves once they have. */
  close(reason: string): Promise<void> {
    this.#shutdown.abort(new Error(reason));
    return this.#last;
  }
}

function orAborted(work: Promise<void>, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const ignore = onAbort(signals, ({ reason }) => reject(reason as Error));
    work.then(resolve, reject).finally(ignore);
  });
}
