// Guards every tap of a hook: a failure names the plugin and the hook, and a tap that never settles is named too.
// tapable itself does neither, does not await an async function given to `.tap`, and lets a bail hook stop on null.
import type { FullTap, Hook } from 'tapable';
import { attributedMessageOf, CodaError, messageOf, PluginError } from './errors.ts';
import type { Logger } from './log.ts';

export interface GuardOptions {
  readonly hook: string;
  readonly kind: 'deciding' | 'observing';
  readonly deadline: 'limit' | 'warn';
  readonly synchronous?: true;
  readonly timeoutMs: number;
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

  /** Fails a deciding hook; of an observing one only the log hears. */
  const fail = (thrown: unknown): undefined => {
    const error = attributed(thrown);
    if (options.kind === 'deciding') throw error;
    options.log.error(attributedMessageOf(error));
    return undefined;
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

  /** Settles as the tap does, or after the deadline. With callbacks and not with promises of its own: every job
   *  passes through every tap. */
  const fnAsync = (...args: unknown[]): void => {
    const tell = args.pop() as (error: unknown, value?: unknown) => void;
    const failed = (thrown: unknown): void => {
      let error: unknown = null;
      try {
        fail(thrown);
      } catch (attributedError) {
        error = attributedError;
      }
      tell(error);
    };
    let value: unknown;
    try {
      value = call(...args);
    } catch (thrown) {
      return failed(thrown);
    }
    if (!isPromise(value)) return tell(null, value ?? undefined);
    let hasSettled = false;
    const settle = (): boolean => {
      if (hasSettled) return false;
      hasSettled = true;
      clearTimeout(timer);
      return true;
    };
    const timer = setTimeout(() => {
      const text = `plugin '${plugin}' has not settled in ${options.hook} after ${options.timeoutMs / 1000} s`;
      if (options.deadline === 'warn') return options.log.warn(`${text}; still waiting`);
      const remedy = 'Mend the plugin, or raise hookTimeoutSec.';
      if (settle()) failed(new PluginError(text, { plugin, hook: options.hook, remedy }));
    }, options.timeoutMs);
    value.then(
      (answer) => {
        if (settle()) tell(null, answer ?? undefined);
      },
      (thrown: unknown) => {
        if (settle()) failed(thrown);
      },
    );
  };

  return options.synchronous ? { ...tap, fn: fnSync } : { ...tap, type: 'async', fn: fnAsync };
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

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
