// Plugins that want the device for themselves between two jobs, one after another: `node.jobs.hold`.
import type { Trouble } from '../errors.ts';
import type { Admission } from '../kernel/admission.ts';
import type { ReadinessReport } from '../kernel/readiness.ts';
import { onAbort } from '../net/timing.ts';

/** The device, which nothing uses until this is released. */
export interface Hold {
  /** Fires when the node shuts down: release it soon. */
  readonly signal: AbortSignal;
  /** Gives the device back; a second call does nothing. */
  release(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A hold of a plugin, as `/ready` shows it. */
interface PluginHold {
  /** Null: of the program that made the node. */
  readonly plugin: string | null;
  readonly reason: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  readonly has_device: boolean;
}

export interface HoldsOptions {
  readonly admission: Admission;
  /** Resolves once nothing runs; nothing is started while the admission is closed. */
  readonly idle: () => Promise<void>;
}

interface HowToTake {
  readonly gaveUp?: AbortSignal | undefined;
  readonly plugin?: PluginHold;
}

export class Holds {
  readonly #options: HoldsOptions;
  readonly #shutdown = new AbortController();
  /** Ends with the last hold, given or awaited. Never rejects. */
  #last: Promise<void> = Promise.resolve();
  #count = 0;
  /** By the name under which each keeps the admission closed. */
  readonly #ofPlugins = new Map<string, PluginHold>();

  constructor(options: HoldsOptions) {
    this.#options = options;
  }

  /** No job is taken or started from now on; resolves once the device is idle and no other hold has it. Rejects if the node
   *  shuts down before that. */
  async hold(reason: string, plugin?: string): Promise<Hold> {
    if (typeof reason !== 'string' || reason.trim() === '') {
      throw new TypeError('node.jobs.hold takes the reason, which /ready and coda status show');
    }
    const wanted: PluginHold = { plugin: plugin ?? null, reason, since: now(), has_device: false };
    return this.#take(troubleOf(wanted), { plugin: wanted });
  }

  /** As `hold`, with what `/ready` shows. Rejects also when `gaveUp` fires before that. */
  take(trouble: Trouble, gaveUp?: AbortSignal): Promise<Hold> {
    return this.#take(trouble, { gaveUp });
  }

  async #take(trouble: Trouble, { gaveUp, plugin }: HowToTake): Promise<Hold> {
    const { admission, idle } = this.#options;
    const who = `hold ${(this.#count += 1)}`;
    admission.close(who, trouble.text, trouble.remedy);
    if (plugin !== undefined) this.#ofPlugins.set(who, plugin);
    const before = this.#last;
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = () => {
        this.#ofPlugins.delete(who);
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
    if (plugin !== undefined) {
      const given = { ...plugin, since: now(), has_device: true };
      const { text, remedy } = troubleOf(given);
      admission.close(who, text, remedy);
      this.#ofPlugins.set(who, given);
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

  /** Which plugins hold the device or wait for it, for programs; the admission has it as text. */
  report(report: ReadinessReport): void {
    if (this.#ofPlugins.size > 0) report.add('holds', [...this.#ofPlugins.values()]);
  }

  /** Asks those who hold the device to give it back; resolves once they have. */
  close(reason: string): Promise<void> {
    this.#shutdown.abort(new Error(reason));
    return this.#last;
  }
}

function troubleOf({ plugin, reason, since, has_device: hasDevice }: PluginHold): Trouble {
  const who = plugin === null ? 'the program of the node' : `plugin '${plugin}'`;
  return {
    text: `${who} ${hasDevice ? 'holds' : 'waits for'} the device (since ${since}): ${reason}`,
    remedy: 'The node continues by itself once the plugin gives the device back.',
  };
}

/** To the second. */
function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}

function orAborted(work: Promise<void>, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const ignore = onAbort(signals, ({ reason }) => reject(reason as Error));
    work.then(resolve, reject).finally(ignore);
  });
}
