// Runs the taps of an asynchronous hook one after another, each within its time. tapable keeps the taps, their order and
// the interceptors; the code that it would generate knows no time limit, and a failing tap would not name its plugin.
import { AsyncSeriesBailHook, type FullTap, type Hook, type HookInterceptor } from 'tapable';
import type { CodaError } from '../errors.ts';

export interface SeriesTap extends FullTap {
  readonly fn: (...args: unknown[]) => unknown;
  /** The error that ends the call, or null if the next tap follows all the same. */
  readonly errorOf: (thrown: unknown) => CodaError | null;
  /** Called if the tap has not settled in time. Returns its failure, or undefined to keep waiting. */
  readonly onLate: () => CodaError | undefined;
}

type Interceptor = HookInterceptor<unknown[], unknown>;
type Tell = (error: CodaError | null, result?: unknown) => void;

/** A hook as it is when it is called: a tap that is added later does not join the calls under way. */
interface Series {
  readonly taps: readonly SeriesTap[];
  readonly interceptors: readonly Interceptor[];
  /** The first answer ends the call. */
  readonly bails: boolean;
  readonly timeoutMs: number;
}

/** What tapable calls whenever the taps of a hook have changed; its types leave it out. */
interface Compilable {
  compile: (options: {
    readonly taps: readonly SeriesTap[];
    readonly interceptors: readonly Interceptor[];
    readonly type: 'async' | 'promise';
  }) => (...args: unknown[]) => unknown;
}

/** A longer delay would make Node's timer fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** From now on runs the taps of this hook, each of which has to be a SeriesTap and may take `timeoutMs` milliseconds. */
export function runInSeries(hook: Hook<unknown, unknown>, timeoutMs: number): void {
  const bails = hook.constructor === AsyncSeriesBailHook;
  (hook as unknown as Compilable).compile = ({ taps, interceptors, type }) => {
    const series: Series = { taps: [...taps], interceptors: [...interceptors], bails, timeoutMs };
    if (type === 'async') return (...args) => start(series, args, args.pop() as Tell);
    return (...args) =>
      new Promise((resolve, reject) => {
        start(series, args, (error, result) => (error === null ? resolve(result) : reject(error)));
      });
  };
}

function start(series: Series, args: readonly unknown[], tell: Tell): void {
  for (const { call } of series.interceptors) call?.(...args);
  runFrom(0, series, args, tell);
}

function runFrom(first: number, series: Series, args: readonly unknown[], tell: Tell): void {
  const { taps, interceptors, bails } = series;
  for (let i = first; i < taps.length; i++) {
    const tap = taps[i];
    if (tap === undefined) break;
    for (const interceptor of interceptors) interceptor.tap?.(tap);
    let value: unknown;
    try {
      value = tap.fn(...args);
    } catch (thrown) {
      const error = tap.errorOf(thrown);
      if (error !== null) return end(series, tell, error);
      continue;
    }
    if (isPromise(value)) {
      return settle(tap, value, series.timeoutMs, (error, answer) => {
        if (error !== null || (bails && isAnswer(answer))) end(series, tell, error, answer);
        else runFrom(i + 1, series, args, tell);
      });
    }
    if (bails && isAnswer(value)) return end(series, tell, null, value);
  }
  end(series, tell, null);
}

/** Tells how the tap's promise ended, or that the tap was late; once, however often a foreign `then` calls back. */
function settle(tap: SeriesTap, promise: PromiseLike<unknown>, timeoutMs: number, tell: Tell): void {
  let isOver = false;
  const over: Tell = (error, value) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    tell(error, value);
  };
  const late = (): void => {
    const failure = tap.onLate();
    if (failure !== undefined) over(tap.errorOf(failure));
  };
  const timer = setTimeout(late, Math.min(timeoutMs, LONGEST_TIMER_MS));
  const own = promise instanceof Promise ? promise : Promise.resolve(promise);
  own.then(
    (value: unknown) => over(null, value),
    (thrown: unknown) => over(tap.errorOf(thrown)),
  );
}

function end({ interceptors }: Series, tell: Tell, error: CodaError | null, result?: unknown): void {
  for (const interceptor of interceptors) {
    if (error !== null) interceptor.error?.(error);
    else if (result !== undefined) interceptor.result?.(result);
    else interceptor.done?.();
  }
  tell(error, result);
}

function isAnswer(value: unknown): boolean {
  return value !== undefined && value !== null;
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
