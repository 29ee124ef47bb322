// Guards every tap of a hook: a failure names the plugin and the hook, and so does a tap that does not settle in time.
// tapable does neither; nor does it await an async function given to `.tap`, and its bail hooks stop at null.
import type { FullTap, Hook } from 'tapable';
import { attributedMessageOf, CodaError, messageOf, PluginError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { isPromise, runInSeries, type SeriesTap } from './series.ts';
import { troubleOf, type SlowTap, type SlowTaps } from './slow-taps.ts';

const SLOW_MS = 5_000;
/** For a tap that is waited for as long as it takes, such as one that brings a tunnel up. */
const PATIENT_MS = 15_000;
/** Taps with a shorter limit are not reported before it. */
const SHORTEST_LIMIT_MS = 1_000;

export interface GuardOptions {
  readonly hook: string;
  readonly kind: 'deciding' | 'observing';
  readonly deadline: 'limit' | 'warn' | 'none';
  /** Its slow taps are not reported. */
  readonly tellsItself: boolean;
  readonly timeoutMs: number;
  readonly log: Logger;
  /** The plugin whose `apply` runs right now. A tap that is added later is known by the name that it gives. */
  readonly applying: () => string | undefined;
  readonly slowTaps: SlowTaps;
  /** Throws if an answer of a tap, other than nothing, cannot be used. */
  readonly check?: (answer: unknown) => void;
}

type Call = (...args: unknown[]) => unknown;

export function guardTaps(hook: Hook<unknown, unknown>, options: GuardOptions): void {
  hook.intercept({
    name: 'guard',
    register: (tap) => guardTap(tap, options),
  });
  // A synchronous hook has no deadline: its taps return their answer.
  if (options.deadline !== 'none') runInSeries(hook, options.timeoutMs, slowMsOf(options));
}

/** A tap whose lateness is no failure may take its time. */
function slowMsOf({ deadline, tellsItself, timeoutMs }: GuardOptions): number {
  if (tellsItself || timeoutMs < SHORTEST_LIMIT_MS) return timeoutMs;
  return Math.min(deadline === 'limit' ? SLOW_MS : PATIENT_MS, timeoutMs / 2);
}

/** Whether a hook has any tap; tapable's own `isUsed` also counts the guard. */
export function isTapped(hook: { readonly taps: readonly unknown[] }): boolean {
  return hook.taps.length > 0;
}

/** Throws a PluginError if a tap wants to be before a tap that does not exist: tapable would silently put it first. */
export function checkTapOrder(name: string, hook: { readonly taps: readonly FullTap[] }): void {
  const names = new Set(hook.taps.map((tap) => tap.name));
  for (const tap of hook.taps) {
    for (const before of tap.before === undefined ? [] : [tap.before].flat()) {
      if (names.has(before)) continue;
      throw new PluginError(
        `plugin '${tap.name}' wants its ${name} tap before '${before}', which has no tap there`,
        {
          plugin: tap.name,
          hook: name,
          remedy: `Taps of ${name}: ${[...names].join(', ')}.`,
        },
      );
    }
  }
}

function guardTap(tap: FullTap, options: GuardOptions): FullTap {
  const { hook, kind, deadline, timeoutMs, log } = options;
  const plugin = options.applying() ?? tap.name;
  const { check } = options;
  const own: Call = tap.type === 'async' ? promised(tap.fn as Call) : (tap.fn as Call);
  const call = check === undefined ? own : checked(own, check);

  /** The error that fails a deciding hook; null for an observing one, whose failures are only logged. */
  const errorOf = (thrown: unknown): CodaError | null => {
    const error = attributed(thrown, plugin, hook);
    if (kind === 'deciding') return error;
    log.error(attributedMessageOf(error));
    return null;
  };

  const onSlow = (): (() => void) => {
    const since = performance.now() - slowMsOf(options);
    const fails = hook === 'onJob' ? 'job' : kind === 'deciding' ? 'start' : undefined;
    const slow: SlowTap = {
      plugin,
      hook,
      since,
      limitMs: deadline === 'limit' ? timeoutMs : Infinity,
      fails,
    };
    // Once the node runs, the log shows whatever /ready shows.
    if (fails === 'start') {
      const { text, remedy } = troubleOf(slow);
      log.warn(`${text} → ${remedy}`);
    }
    return options.slowTaps.add(slow);
  };

  const onLate = (): PluginError | undefined => {
    const text = `plugin '${plugin}' has not settled in ${hook} after ${timeoutMs / 1000} s`;
    if (deadline === 'limit') {
      return new PluginError(text, { plugin, hook, remedy: 'Fix the plugin, or raise hookTimeoutSec.' });
    }
    log.warn(`${text}; still waiting`);
    return undefined;
  };

  if (deadline === 'none') return { ...tap, fn: synchronous(call, errorOf) };
  const type = tap.type === 'sync' ? 'sync' : 'promise';
  const guarded: SeriesTap = { ...tap, type, fn: call, errorOf, onSlow, onLate };
  return guarded;
}

/** An error with a code of its own says more than a PluginError could; it only gets the plugin and the hook added. */
function attributed(thrown: unknown, plugin: string, hook: string): CodaError {
  if (!(thrown instanceof CodaError)) {
    const message = `plugin '${plugin}' failed in ${hook}: ${messageOf(thrown)}`;
    return new PluginError(message, { plugin, hook, cause: thrown });
  }
  thrown.plugin ??= plugin;
  thrown.hook ??= hook;
  return thrown;
}

/** A tap of a synchronous hook: it must return its answer, not a promise of it. */
function synchronous(call: Call, errorOf: (thrown: unknown) => CodaError | null): Call {
  const fail = (thrown: unknown): undefined => {
    const error = errorOf(thrown);
    if (error !== null) throw error;
  };
  return (...args) => {
    let value: unknown;
    try {
      value = call(...args);
    } catch (thrown) {
      return fail(thrown);
    }
    // undefined, so that a bail hook does not stop at null.
    if (!isPromise(value)) return value ?? undefined;
    value.then(undefined, () => {});
    return fail(new TypeError('the hook is synchronous, but the tap returned a promise'));
  };
}

function checked(call: Call, check: (answer: unknown) => void): Call {
  const pass = (answer: unknown): unknown => {
    if (answer !== undefined && answer !== null) check(answer);
    return answer;
  };
  return (...args) => {
    const answer = call(...args);
    return isPromise(answer) ? Promise.resolve(answer).then(pass) : pass(answer);
  };
}

function promised(fn: Call): Call {
  return (...args) =>
    new Promise((resolve, reject) => {
      fn(...args, (error: unknown, value: unknown) => {
        if (error) reject(error instanceof Error ? error : new Error(messageOf(error)));
        else resolve(value);
      });
    });
}
