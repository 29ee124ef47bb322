// Guards every tap of a hook: a failure names the plugin and the hook, and so does a tap that does not settle in time.
// tapable does neither; nor does it await an async function given to `.tap`, and its bail hooks stop at null.
import { inspect } from 'node:util';
import type { FullTap, Hook } from 'tapable';
import { attributedMessageOf, CodaError, messageOf, PluginError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { CountedLines } from '../log/counted-lines.ts';
import { isRecord, kindOf, shown } from '../protocol/text.ts';
import type { BusyTaps, NamedTap } from './busy-taps.ts';
import { isPromise, isWaterfall, runInSeries, type SeriesTap } from './series.ts';
import { troubleOf, type Holds, type SlowTap, type SlowTaps } from './slow-taps.ts';

/** What a tap of an asynchronous hook may say beside tapable's own options. */
export interface TapTime {
  /** Its own time limit in seconds, in place of `hookTimeoutSec`. */
  readonly timeoutSec?: number;
  /** Of an observing hook: it only looks, at once. It gets what the node has and no frozen copy, which would take longer than
   *  a look, and its time is not taken. For what is called for each job. It must change nothing. */
  readonly onlyLooks?: true;
}

/** A tap that was given up, and continues all the same. */
export class LateTap extends PluginError {
  readonly #pending: PromiseLike<unknown>;

  constructor(
    message: string,
    pending: PromiseLike<unknown>,
    details: ConstructorParameters<typeof PluginError>[1],
  ) {
    super(message, details);
    this.name = PluginError.name;
    this.#pending = pending;
  }

  /** Resolves once the tap has really settled; never rejects. */
  get settled(): Promise<void> {
    const end = (): void => {};
    return Promise.resolve(this.#pending).then(end, end);
  }
}

const LONGEST_STACK = 8_000;
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
  /** What waits for a tap while the node runs. */
  readonly holds?: Holds;
  /** What an answer of a tap, other than nothing, becomes; `args` are those of the call. Throws if it cannot be used. */
  readonly take?: (answer: unknown, args: readonly unknown[]) => unknown;
}

type Call = (...args: unknown[]) => unknown;

export function guardTaps(hook: Hook<unknown, unknown>, options: GuardOptions): void {
  checkNames(hook, options);
  hook.intercept({
    name: 'guard',
    register: (tap) => guardTap(tap, options, isWaterfall(hook)),
  });
  // A synchronous hook has no deadline: its taps return their answer.
  if (options.deadline !== 'none') runInSeries(hook, options.slowTaps.busy, options.tellsItself);
}

/** tapable's own error says neither what is missing nor where. */
function checkNames(hook: Hook<unknown, unknown>, { hook: name, applying }: GuardOptions): void {
  for (const way of ['tap', 'tapAsync', 'tapPromise']) {
    const add: unknown = Reflect.get(hook, way);
    if (typeof add !== 'function') continue;
    const checked = (tap: unknown, fn: unknown): unknown => {
      const given = isRecord(tap) ? tap['name'] : tap;
      if (typeof given === 'string' && given.trim() !== '') return Reflect.apply(add, hook, [tap, fn]);
      const plugin = applying() ?? 'without a name';
      throw new PluginError(`plugin '${plugin}' taps ${name} without a name`, {
        plugin,
        hook: name,
        remedy: `Write: node.hooks.${name}.${way}('my-plugin', …)`,
      });
    };
    Reflect.set(hook, way, checked);
  }
}

/** A tap whose lateness is no failure may take its time. */
function slowMsOf({ deadline, tellsItself }: GuardOptions, timeoutMs: number): number {
  if (tellsItself || timeoutMs < SHORTEST_LIMIT_MS) return timeoutMs;
  return Math.min(deadline === 'limit' ? SLOW_MS : PATIENT_MS, timeoutMs / 2);
}

/** Whether a hook has any tap; tapable's own `isUsed` also counts the guard. */
export function isTapped(hook: { readonly taps: readonly unknown[] }): boolean {
  return hook.taps.length > 0;
}

/** Whether all taps of a hook only look. */
export function onlyLook({ taps }: { readonly taps: readonly (FullTap & TapTime)[] }): boolean {
  for (const { onlyLooks } of taps) if (onlyLooks !== true) return false;
  return true;
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

function guardTap(tap: FullTap & TapTime, options: GuardOptions, isInWaterfall: boolean): FullTap {
  const { hook, kind, deadline, log } = options;
  const plugin = options.applying() ?? tap.name;
  const { take } = options;
  if (typeof tap.fn !== 'function') {
    throw new PluginError(`plugin '${plugin}' taps ${hook} with ${kindOf(tap.fn)} in place of a function`, {
      plugin,
      hook,
      remedy: 'The function comes behind the name. The name of a method may be misspelled.',
    });
  }
  if (tap.onlyLooks === true && kind === 'deciding') {
    throw new PluginError(
      `plugin '${plugin}' taps ${hook} with onlyLooks, and the node waits for that hook`,
      {
        plugin,
        hook,
        remedy: 'Leave onlyLooks out: it is for hooks that only observe.',
      },
    );
  }
  const own: Call = tap.type === 'async' ? promised(tap.fn as Call) : (tap.fn as Call);
  const call = take === undefined ? own : taken(own, take, isInWaterfall);
  const timeoutMs = ownTimeoutMs(tap, plugin, hook) ?? options.timeoutMs;
  const slowMs = slowMsOf(options, timeoutMs);
  const waiting = options.holds ?? (kind === 'deciding' ? 'start' : undefined);
  const limitFrom = tap.timeoutSec === undefined ? 'hookTimeoutSec' : 'timeoutSec of the tap';

  let named: Logger | undefined;
  let failures: CountedLines | undefined;
  /** The error that fails a deciding hook; null for an observing one, whose failures are only logged. */
  const errorOf = (thrown: unknown): CodaError | null => {
    const error = attributed(thrown, plugin, hook);
    if (kind === 'deciding') return error;
    const out = (named ??= log.child('', { plugin, hook }));
    failures ??= new CountedLines((left, seconds) =>
      out.error(`plugin '${plugin}' has failed in ${hook} ${left} more times in the last ${seconds} s`),
    );
    if (!failures.hasRoom()) return null;
    named.error(attributedMessageOf(error));
    named.debug(`plugin '${plugin}' in ${hook}: ${inspect(thrown, { depth: 2 }).slice(0, LONGEST_STACK)}`);
    return null;
  };

  const onSlow = (): (() => void) => {
    const slow: SlowTap = {
      plugin,
      hook,
      since: performance.now() - slowMs,
      limitMs: deadline === 'limit' ? timeoutMs : Infinity,
      limitFrom,
      waiting,
    };
    // Once the node runs, the log shows whatever /ready shows.
    if (waiting === 'start') {
      const { text, remedy } = troubleOf(slow);
      log.warn(`${text} → ${remedy}`, { plugin, hook });
    }
    return options.slowTaps.add(slow);
  };

  const onLate = (pending: PromiseLike<unknown>): PluginError | undefined => {
    const text = `plugin '${plugin}' has not settled in ${hook} after ${timeoutMs / 1000} s`;
    if (deadline === 'limit') {
      return new LateTap(text, pending, { plugin, hook, remedy: `Fix the plugin, or raise ${limitFrom}.` });
    }
    log.warn(`${text}; still waiting`, { plugin, hook });
    return undefined;
  };

  if (deadline === 'none') {
    // A deciding one may be called for each job, by the node's own tap.
    const fn =
      kind === 'observing' && tap.onlyLooks !== true
        ? timed(call, { plugin, hook }, options.slowTaps.busy)
        : call;
    return { ...tap, fn: synchronous(fn, errorOf) };
  }
  const type = tap.type === 'sync' ? 'sync' : 'promise';
  const names = { plugin, hook };
  const guarded: SeriesTap = { ...tap, ...names, type, fn: call, timeoutMs, slowMs, errorOf, onSlow, onLate };
  return guarded;
}

/** The time limit that the tap names, in milliseconds. */
function ownTimeoutMs({ timeoutSec }: TapTime, plugin: string, hook: string): number | undefined {
  if (timeoutSec === undefined) return undefined;
  if (typeof timeoutSec === 'number' && timeoutSec > 0) return timeoutSec * 1000;
  throw new PluginError(
    `plugin '${plugin}' taps ${hook} with a timeoutSec of ${shown(timeoutSec)}, which is no number of seconds above 0`,
    { plugin, hook, remedy: 'Leave it out to have hookTimeoutSec.' },
  );
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

/** Tells how long the tap has run. */
function timed(call: Call, tap: NamedTap, busy: BusyTaps): Call {
  return (...args) => {
    const since = performance.now();
    try {
      return call(...args);
    } finally {
      busy.ran([tap], 0, 1, since, performance.now());
    }
  };
}

function taken(call: Call, take: NonNullable<GuardOptions['take']>, isInWaterfall: boolean): Call {
  return (...args) => {
    const pass = (answer: unknown): unknown => {
      // A tap of a waterfall that answers with what it was given has changed nothing.
      if (answer === undefined || answer === null || (isInWaterfall && answer === args[0])) return undefined;
      return take(answer, args);
    };
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
