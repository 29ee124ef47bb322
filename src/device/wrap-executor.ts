// The hook `wrapExecutor`: what a tap answered with, as a whole executor.
import { kindOf, isRecord } from '../protocol/text.ts';
import { executorFault, type Executor } from './executor.ts';

/** What a tap of `wrapExecutor` may answer with: the executor with other methods. What it leaves out is that of the
 *  executor below; but one with a `run` of its own and no `batchRun` takes no batches, so that no job passes it by. */
export type WrappedExecutor = Partial<Executor>;

/** Throws a TypeError that names what is wrong with the answer. */
export function takeWrapped(answer: unknown, [below]: readonly unknown[]): Executor {
  if (!isRecord(answer)) throw new TypeError(`it returned ${kindOf(answer)}, not an executor`);
  const own = answer as WrappedExecutor;
  const executor = below as Executor;
  const batches = own.run === undefined ? (own.batchRun ?? executor.batchRun) : own.batchRun;
  const runs = own.run ?? executor.run;
  const whole = {
    run: bound(runs, own.run === undefined ? executor : own),
    batchRun: bound(batches, own.batchRun === undefined ? executor : own),
    cancelCurrentJob: boundOf('cancelCurrentJob', own, executor),
    close: boundOf('close', own, executor),
    // A `run` of its own may change the circuit: then what was sent ahead would be another one.
    upcoming: own.run === undefined ? boundOf('upcoming', own, executor) : bound(own.upcoming, own),
    get device() {
      return own.device ?? executor.device;
    },
  };
  const fault = executorFault(whole);
  if (fault !== undefined) throw new TypeError(`the executor that it returned ${fault}`);
  return whole as Executor;
}

function boundOf<K extends 'cancelCurrentJob' | 'close' | 'upcoming'>(
  name: K,
  own: WrappedExecutor,
  below: Executor,
): Executor[K] {
  return bound(own[name] ?? below[name], own[name] === undefined ? below : own);
}

/** Whether it has all that an executor must have, as what `takeWrapped` makes. */
export function isWhole(executor: WrappedExecutor): executor is Executor {
  return executor.run !== undefined;
}

/** As it is, if it is no function: the check names it. */
function bound<F>(method: F, owner: object): F {
  return typeof method === 'function' ? (method.bind(owner) as F) : method;
}
