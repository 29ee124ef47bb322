// Runs the taps of an asynchronous hook one after another, each within its time. Every job passes through every tap: in
// place of the code that tapable generates, which makes new functions for each tap of each call and knows no time, a call
// is one object that serves again, and one clock watches all of them.
import { AsyncSeriesBailHook, type FullTap, type Hook, type HookInterceptor } from 'tapable';
import type { CodaError } from '../errors.ts';

export interface SeriesTap extends FullTap {
  readonly fn: (...args: unknown[]) => unknown;
  /** The error that ends the call, or null where the next tap follows all the same. */
  readonly errorOf: (thrown: unknown) => CodaError | null;
  /** Hears that the tap has not settled in time. Returns its failure, or nothing to wait on. */
  readonly onLate: () => CodaError | undefined;
}

type Interceptor = HookInterceptor<unknown[], unknown>;
type Tell = (error: CodaError | null, result?: unknown) => void;

/** What tapable asks for whenever the taps of a hook have changed; its types leave this out. */
interface Compilable {
  compile: (options: {
    readonly taps: readonly SeriesTap[];
    readonly interceptors: readonly Interceptor[];
    readonly type: 'async' | 'promise';
  }) => (...args: unknown[]) => unknown;
}

/** A hook as it is when it is called: a tap that comes later does not join the calls that run. */
interface Series {
  readonly taps: readonly SeriesTap[];
  readonly interceptors: readonly Interceptor[];
  /** The first answer ends the call. */
  readonly bails: boolean;
}

/** A call of a hook, from its first tap to its last. */
interface Call {
  series: Series;
  args: readonly unknown[];
  /** How many taps have begun. */
  begun: number;
  tell: Tell;
  /** The tick at which the last of them began, or NEVER_LATE. */
  since: number;
  readonly onValue: (value: unknown) => void;
  readonly onError: (thrown: unknown) => void;
}

/** A tap is found to be late within this part of its time. */
const TICKS = 10;
const NEVER_LATE = Infinity;
const NOTHING: Series = { taps: [], interceptors: [], bails: false };
const NOBODY: Tell = () => {};

export class SeriesRunner {
  readonly #timeoutMs: number;
  readonly #calls = new Set<Call>();
  readonly #free: Call[] = [];
  /** How many wait for a tap that may still become late. The process stays for them. */
  #watched = 0;
  #tick = 0;
  #clock: NodeJS.Timeout | undefined;

  /** `timeoutMs`: how long a tap may take, in milliseconds. It is called late up to a tenth of it after that. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** From now on runs the taps of this hook, each of which has to be a SeriesTap. */
  adopt(hook: Hook<unknown, unknown>): void {
    const bails = hook.constructor === AsyncSeriesBailHook;
    (hook as unknown as Compilable).compile = ({ taps, interceptors, type }) => {
      const series: Series = { taps: [...taps], interceptors: [...interceptors], bails };
      if (type === 'async') return (...args) => this.#start(series, args, args.pop() as Tell);
      return (...args) =>
        new Promise((resolve, reject) => {
          this.#start(series, args, (error, result) => (error === null ? resolve(result) : reject(error)));
        });
    };
  }

  #start(series: Series, args: readonly unknown[], tell: Tell): void {
    for (const { call } of series.interceptors) call?.(...args);
    const call = this.#free.pop() ?? this.#newCall();
    call.series = series;
    call.args = args;
    call.begun = 0;
    call.tell = tell;
    this.#next(call);
  }

  #newCall(): Call {
    const call: Call = {
      series: NOTHING,
      args: [],
      begun: 0,
      tell: NOBODY,
      since: NEVER_LATE,
      onValue: (value) => {
        if (call.tell === NOBODY) return;
        this.#unwatch(call);
        if (isAnswer(call.series, value)) this.#end(call, null, value);
        else this.#next(call);
      },
      onError: (thrown) => {
        if (call.tell === NOBODY) return;
        this.#unwatch(call);
        this.#failed(call, thrown);
      },
    };
    this.#calls.add(call);
    return call;
  }

  #next(call: Call): void {
    const { series, args } = call;
    for (;;) {
      const tap = series.taps[call.begun];
      if (tap === undefined) return this.#end(call, null);
      call.begun++;
      for (const interceptor of series.interceptors) interceptor.tap?.(tap);
      let value: unknown;
      try {
        value = tap.fn(...args);
      } catch (thrown) {
        return this.#failed(call, thrown);
      }
      if (isPromise(value)) return this.#await(call, value);
      if (isAnswer(series, value)) return this.#end(call, null, value);
    }
  }

  #await(call: Call, promise: PromiseLike<unknown>): void {
    call.since = this.#tick;
    if (this.#watched++ === 0) this.#wind();
    // Another's `then` may call back twice, when the object has long become another call.
    const own = promise instanceof Promise ? promise : Promise.resolve(promise);
    own.then(call.onValue, call.onError);
  }

  #failed(call: Call, thrown: unknown): void {
    const error = call.series.taps[call.begun - 1]?.errorOf(thrown) ?? null;
    if (error === null) this.#next(call);
    else this.#end(call, error);
  }

  #end(call: Call, error: CodaError | null, result?: unknown): void {
    const { series, tell } = call;
    call.series = NOTHING;
    call.args = [];
    call.tell = NOBODY;
    this.#free.push(call);
    for (const interceptor of series.interceptors) {
      if (error !== null) interceptor.error?.(error);
      else if (result !== undefined) interceptor.result?.(result);
      else interceptor.done?.();
    }
    tell(error, result);
  }

  #unwatch(call: Call): void {
    if (call.since === NEVER_LATE) return;
    call.since = NEVER_LATE;
    if (--this.#watched === 0) this.#clock?.unref();
  }

  #wind(): void {
    if (this.#clock === undefined) {
      this.#clock = setInterval(() => this.#onTick(), this.#timeoutMs / TICKS);
    } else this.#clock.ref();
  }

  #onTick(): void {
    if (this.#watched === 0) {
      clearInterval(this.#clock);
      this.#clock = undefined;
      return;
    }
    this.#tick++;
    for (const call of this.#calls) if (this.#tick - call.since > TICKS) this.#late(call);
  }

  #late(call: Call): void {
    this.#unwatch(call);
    const failure = call.series.taps[call.begun - 1]?.onLate();
    if (failure === undefined) return;
    // Its promise may settle yet, and must find nobody there.
    const { series, args, begun, tell } = call;
    this.#calls.delete(call);
    call.tell = NOBODY;
    this.#failed(Object.assign(this.#newCall(), { series, args, begun, tell }), failure);
  }
}

function isAnswer(series: Series, value: unknown): boolean {
  return series.bails && value !== undefined && value !== null;
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
