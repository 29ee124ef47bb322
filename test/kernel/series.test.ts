// The taps of an asynchronous hook run as tapable's own would, each call for itself, and each tap within its time.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { AsyncSeriesBailHook, AsyncSeriesHook } from 'tapable';
import { PluginError } from '../../src/errors.ts';
import { createHooks, type Hooks } from '../../src/hooks.ts';
import { onlyLook } from '../../src/kernel/tap.ts';
import { SlowTaps } from '../../src/kernel/slow-taps.ts';
import { createLogger } from '../../src/log.ts';
import { waitUntil } from '../../src/testing/index.ts';

type AnyHook = AsyncSeriesBailHook<[unknown], unknown>;
type AnyTap = (...args: unknown[]) => unknown;

interface Guarded extends Hooks {
  readonly lines: string[];
}

function guarded(timeoutMs = 60_000): Guarded {
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line) });
  return { lines, ...createHooks({ timeoutMs, log, applying: () => undefined, slowTaps: new SlowTaps() }) };
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

interface TapCase {
  readonly kind: 'tap' | 'tapAsync' | 'tapPromise';
  readonly ends: 'nothing' | 'answer' | 'failure';
  /** Turns of the event loop until it settles. */
  readonly turns: number;
  readonly stage: number;
}

const tapCase: fc.Arbitrary<TapCase> = fc.record({
  kind: fc.constantFrom('tap', 'tapAsync', 'tapPromise'),
  ends: fc.oneof({ weight: 8, arbitrary: fc.constant('nothing') }, fc.constantFrom('answer', 'failure')),
  turns: fc.nat(2),
  stage: fc.integer({ min: -1, max: 1 }),
});

/** Taps the hook as the case says; every tap says which call it serves. */
function tap(hook: AnyHook, name: string, { kind, ends, turns, stage }: TapCase, said: string[]): void {
  const ended = (call: unknown): string | undefined => {
    said.push(`${String(call)}: ${name} ends`);
    if (ends === 'failure') throw new Error(`${name} failed`);
    return ends === 'answer' ? `answer of ${name}` : undefined;
  };
  const later = async (call: unknown): Promise<unknown> => {
    for (let i = 0; i < turns; i++) await turn();
    return ended(call);
  };
  const options = { name, stage };
  const begins = (call: unknown): void => void said.push(`${String(call)}: ${name} begins`);
  if (kind === 'tap') {
    hook.tap(options, (call) => {
      begins(call);
      return ended(call);
    });
  } else if (kind === 'tapPromise') {
    hook.tapPromise(options, (call) => {
      begins(call);
      return later(call);
    });
  } else {
    hook.tapAsync(options, (call, tell) => {
      begins(call);
      later(call).then(
        (value) => tell(null, value),
        (error: unknown) => tell(error as Error),
      );
    });
  }
}

/** What three calls at once say and end with; by call, as they may well take turns in another order. */
async function calls(
  hook: AnyHook,
  cases: readonly TapCase[],
  by: 'promise' | 'callAsync',
): Promise<unknown> {
  const said: string[] = [];
  const intercepted: string[] = [];
  hook.intercept({
    call: (call) => void intercepted.push(`${String(call)} begins`),
    tap: ({ name }) => void intercepted.push(`${name} begins`),
    error: (error) => void intercepted.push(`ends with ${causeOf(error)}`),
    result: (result) => void intercepted.push(`ends with ${String(result)}`),
    done: () => void intercepted.push('ends'),
  });
  for (const [i, each] of cases.entries()) tap(hook, `tap-${i}`, each, said);
  const ends = await Promise.all(
    ['a', 'b', 'c'].map((call) => {
      if (by === 'promise') return hook.promise(call).catch(causeOf);
      return new Promise((resolve) => {
        hook.callAsync(call, (error, result) => resolve(error ? causeOf(error) : result));
      });
    }),
  );
  return { ends, said: said.toSorted(), inOrder: said.filter((line) => line.startsWith('b')), intercepted };
}

function causeOf(error: unknown): string {
  return String(error instanceof PluginError ? error.cause : error);
}

describe('the taps of an asynchronous hook', () => {
  const kinds = [
    { name: 'series', theirs: () => new AsyncSeriesHook(['call']) as unknown, ours: 'onJob' },
    { name: 'bail', theirs: () => new AsyncSeriesBailHook(['call']) as unknown, ours: 'runBatch' },
  ] as const;
  for (const { name, theirs, ours } of kinds) {
    for (const by of ['promise', 'callAsync'] as const) {
      it(`run as tapable's own in a ${name} hook, called by ${by}`, async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(tapCase, { maxLength: 6 }), async (cases) => {
            const expected = await calls(theirs() as AnyHook, cases, by);
            assert.deepEqual(await calls(guarded()[ours] as unknown as AnyHook, cases, by), expected);
          }),
          { numRuns: 100 },
        );
      });
    }
  }

  it('are those that were there when the call began', async () => {
    const hook = guarded().onJob as unknown as AnyHook;
    const said: string[] = [];
    hook.tapPromise('first', async () => {
      said.push('first');
      hook.tap('second', () => void said.push('second'));
      await turn();
    });
    await hook.promise('a');
    assert.deepEqual(said, ['first']);
    await hook.promise('b');
    assert.deepEqual(said, ['first', 'first', 'second']);
  });

  it('may be wrapped by an interceptor', async () => {
    const hook = guarded().onJob as unknown as AnyHook;
    const said: string[] = [];
    hook.intercept({
      register: (tapped) => ({
        ...tapped,
        fn: async (...args: unknown[]) => {
          said.push(`${tapped.name} begins`);
          await (tapped.fn as AnyTap)(...args);
          said.push(`${tapped.name} ends`);
        },
      }),
    });
    hook.tap('plain', () => void said.push('plain'));
    hook.tapAsync('callback', (_call, tell) => void setImmediate(tell));
    hook.tapPromise('promise', () => Promise.reject(new Error('no')));
    await assert.rejects(hook.promise('a'), /plugin 'promise' failed in onJob: no/);
    assert.deepEqual(said, [
      'plain begins',
      'plain',
      'plain ends',
      'callback begins',
      'callback ends',
      'promise begins',
    ]);
  });

  it('continue once each after a thenable that calls back twice', async () => {
    const hook = guarded().onJob as unknown as AnyHook;
    const said: string[] = [];
    const callBacks: (() => void)[] = [];
    // oxlint-disable-next-line unicorn/no-thenable
    hook.tap('thenable', () => ({ then: (onValue: () => void) => void callBacks.push(onValue) }));
    hook.tap('next', (call) => void said.push(String(call)));
    const first = hook.promise('a');
    await turn();
    callBacks[0]?.();
    await first;
    const second = hook.promise('b');
    await turn();
    callBacks[0]?.();
    await turn();
    assert.deepEqual(said, ['a']);
    callBacks[1]?.();
    await second;
    assert.deepEqual(said, ['a', 'b']);
  });
});

describe('a tap that only looks', () => {
  const saved = { qpuId: 'q', jobId: 'j', messageIds: ['1-0'], callbackUrl: '' } as const;
  const outcome = { status: 'failed', error: 'x' } as const;
  const looks = { name: 'looks', onlyLooks: true } as const;

  it('is called at once, and what goes wrong in it is logged and stops nobody', async () => {
    const hooks = guarded();
    const seen: string[] = [];
    hooks.afterDeliver.tap(looks, () => {
      throw new Error('cannot see');
    });
    const waits: () => unknown = async () => {
      await turn();
      throw new Error('cannot wait');
    };
    hooks.afterDeliver.tap({ ...looks, name: 'async' }, waits);
    hooks.afterDeliver.tap({ ...looks, name: 'last' }, ({ jobId }) => void seen.push(jobId));
    assert.ok(onlyLook(hooks.afterDeliver));
    const call = hooks.afterDeliver.promise({ ...saved, outcome, endedAt: '' }, 1, { kind: 'delivered' }, 1);
    assert.deepEqual(seen, ['j']);
    await call;
    await waitUntil('the second failure', () => hooks.lines.length === 2);
    assert.match(hooks.lines[0] ?? '', /plugin 'looks' failed in afterDeliver: cannot see/);
    assert.match(hooks.lines[1] ?? '', /plugin 'async' failed in afterDeliver: cannot wait/);
  });

  it('is one of several, and an interceptor sees its calls', async () => {
    const hooks = guarded();
    const seen: string[] = [];
    hooks.afterDeliver.tap(looks, () => void seen.push('looks'));
    hooks.afterDeliver.tapPromise('waits', async () => {
      await turn();
      seen.push('waited');
    });
    hooks.afterDeliver.tap({ ...looks, name: 'last' }, () => void seen.push('last'));
    assert.ok(!onlyLook(hooks.afterDeliver));
    await hooks.afterDeliver.promise({ ...saved, outcome, endedAt: '' }, 1, { kind: 'delivered' }, 1);
    assert.deepEqual(seen.splice(0), ['looks', 'waited', 'last']);
    const others = guarded();
    others.afterDeliver.tap(looks, () => void seen.push('looks'));
    others.afterDeliver.intercept({ tap: ({ name }) => void seen.push(`before ${name}`) });
    await others.afterDeliver.promise({ ...saved, outcome, endedAt: '' }, 1, { kind: 'delivered' }, 1);
    assert.deepEqual(seen, ['before looks', 'looks']);
  });

  it('has no place in a hook that the node waits for', () => {
    assert.throws(() => guarded().start.tap(looks, () => {}), {
      name: 'PluginError',
      message:
        /plugin 'looks' taps start with onlyLooks, and the node waits for that hook\n {2}→ Leave onlyLooks out/,
    });
  });
});

describe('a tap that is late', () => {
  /** A hook whose first tap settles for the call 'late' when the test lets it, for every other call at once. */
  function withLateTap(hook: unknown): {
    readonly hook: AnyHook;
    readonly settle: (() => void)[];
    readonly said: string[];
  } {
    const said: string[] = [];
    const settle: (() => void)[] = [];
    const tapped = hook as AnyHook;
    tapped.tapPromise('slow', (call) =>
      call === 'late' ? new Promise<void>((resolve) => settle.push(resolve)) : Promise.resolve(),
    );
    tapped.tap('next', (call) => void said.push(String(call)));
    return { hook: tapped, said, settle };
  }

  it('is named, for that call alone, and waited for', async () => {
    const { lines, runBatch } = guarded(20);
    const { hook, said, settle } = withLateTap(runBatch);
    const late = hook.promise('late');
    await waitUntil('the tap is named', async () => {
      await hook.promise('punctual');
      return lines.length > 0;
    });
    assert.equal(said.includes('late'), false);
    settle[0]?.();
    await late;
    assert.equal(said.at(-1), 'late');
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /plugin 'slow' has not settled in runBatch after 0.02 s; still waiting/);
  });

  it('fails the call of a deciding hook, and its promise ends no other call', async () => {
    const { hook, said, settle } = withLateTap(guarded(200).onJob);
    await assert.rejects(hook.promise('late'), /plugin 'slow' has not settled in onJob after 0.2 s/);
    const others = [hook.promise('late'), hook.promise('late')];
    settle[0]?.();
    await turn();
    assert.deepEqual(said, []);
    settle[1]?.();
    settle[2]?.();
    await Promise.all(others);
    assert.deepEqual(said, ['late', 'late']);
  });

  it('is passed over in an observing hook, once', async () => {
    const { lines, afterRun } = guarded(20);
    const { hook, said, settle } = withLateTap(afterRun);
    await hook.promise('late');
    assert.deepEqual(said, ['late']);
    settle[0]?.();
    await turn();
    assert.deepEqual(said, ['late']);
    assert.equal(lines.length, 1);
  });

  it('is named also after one that was late, and after one that took a part of the time', async () => {
    const { lines, afterRun } = guarded(40);
    const hook = afterRun as unknown as AnyHook;
    const never = (): Promise<void> => new Promise(() => {});
    hook.tapPromise('first', never);
    hook.tapPromise('second', never);
    hook.tapPromise('punctual', () => new Promise((resolve) => void setTimeout(resolve, 20)));
    hook.tapPromise('last', never);
    await hook.promise('a');
    const named = lines.map((line) => /plugin '(\w+)' has not settled/.exec(line)?.[1]);
    assert.deepEqual(named, ['first', 'second', 'last']);
  });

  it('keeps the process alive until then, and a tap that has settled does not', async () => {
    const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
    const script = `
      import { createHooks } from ${url('../../src/hooks.js')};
      import { createLogger } from ${url('../../src/log.js')};
      import { SlowTaps } from ${url('../../src/kernel/slow-taps.js')};
      const log = createLogger({ write: (line) => console.log(line) });
      const hooksOf = (timeoutMs) => createHooks({ timeoutMs, log, applying: () => undefined, slowTaps: new SlowTaps() });
      const punctual = hooksOf(3_600_000);
      punctual.start.tapPromise('punctual', async () => {});
      for (let round = 0; round < 2; round++) {
        await punctual.start.promise();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const late = hooksOf(50);
      late.start.tapPromise('punctual', async () => {});
      await late.start.promise();
      late.connect.tapPromise('slow', () => new Promise(() => {}));
      void late.connect.promise();
    `;
    const node = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 60_000,
    });
    assert.match((await node).stdout, /^[^\n]*plugin 'slow' has not settled in connect[^\n]*\n$/);
  });
});
