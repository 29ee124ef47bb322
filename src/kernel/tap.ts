// Guards every tap of a hook: a failure names the plugin and the hook, and a tap that never settles is named too.
// tapable itself does neither, does not await an async function given to `.tap`, and lets a bail hook stop on null.
import type { FullTap, Hook } from 'tapable';
import { attributedMessageOf, CodaError, messageOf, PluginError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { isPromise, type SeriesRunner, type SeriesTap } from './series.ts';

export interface GuardOptions {
  readonly hook: string;
  readonly kind: 'deciding' | 'observing';
  readonly deadline: 'limit' | 'warn';
  readonly synchronous?: true;
  readonly timeoutMs: number;
  /** Runs the taps of the asynchronous hooks. */
  readonly runner: SeriesRunner;
  readonly log: Logger;
  /** The plugin whose `apply` runs right now. Later taps are known by the name they give. */
  readonly applying: () => string | undefined;
}

type Call = (...args: unknown[]) => unknown;

export function guardTaps(hook: Hook<unknown, unknown>, options: GuardOptions): void {
  hook.intercept({
    name: 'guard',
    register: (tap) => guardTap(tap, options),
  });
  if (options.synchronous !== true) options.runner.adopt(hook);
}

/** Whether anybody taps the hook; tapable's own `isUsed` also counts the guard. */
export function isTapped(hook: { readonly taps: readonly unknown[] }): boolean {
  return hook.taps.length > 0;
}

/** Throws a PluginError if a tap wants to stand before a tap that does not exist: tapable would silently put it first. */
export function checkTapOrder(name: string, hook: Hook<unknown, unknown>): void {
  const names = new Set(hook.taps.map((tap) => tap.name));
  for (const tap of hook.taps) {
    for (const before of tap.before === undefined ? [] : [tap.before].flat()) {
      if (names.has(before)) continue;
      throw new PluginError(
        `plugin '${tap.name}' wants its ${name} tap before '${before}', which taps nothing there`,
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
  const plugin = options.applying() ?? tap.name;
  const call: Call = tap.type === 'async' ? promised(tap.fn as Call) : (tap.fn as Call);

  /** An error with a code of its own says more than a PluginError could; it only learns where it comes from. */
  const attributed = (thrown: unknown): CodaError => {
    if (!(thrown instanceof CodaError)) {
      const message = `plugin '${plugin}' failed in ${options.hook}: ${messageOf(thrown)}`;
      return new PluginError(message, { plugin, hook: options.hook, cause: thrown });
    }
    thrown.plugin ??= plugin;
    thrown.hook ??= options.hook;
    return thrown;
  };

  /** The error that fails a deciding hook; null of an observing one, whose failures only the log hears. */
  const errorOf = (thrown: unknown): CodaError | null => {
    const error = attributed(thrown);
    if (options.kind === 'deciding') return error;
    options.log.error(attributedMessageOf(error));
    return null;
  };

  const fail = (thrown: unknown): undefined => {
    const error = errorOf(thrown);
    if (error !== null) throw error;
  };

  const fnSync: Call = (...args) => {
    try {
      const value = call(...args);
      if (!isPromise(value)) return value ?? undefined;
      value.then(undefined, () => {});
    } catch (thrown) {
      return fail(thrown);
    }
    return fail(new TypeError('the hook is synchronous, but the tap returned a promise'));
  };

  const onLate = (): PluginError | undefined => {
    const text = `plugin '${plugin}' has not settled in ${options.hook} after ${options.timeoutMs / 1000} s`;
    if (options.deadline === 'limit') {
      const remedy = 'Mend the plugin, or raise hookTimeoutSec.';
      return new PluginError(text, { plugin, hook: options.hook, remedy });
    }
    options.log.warn(`${text}; still waiting`);
    return undefined;
  };

  if (options.synchronous) return { ...tap, fn: fnSync };
  const type = tap.type === 'sync' ? 'sync' : 'promise';
  const guarded: SeriesTap = { ...tap, type, fn: call, errorOf, onLate };
  return guarded;
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
