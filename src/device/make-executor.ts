// The executor of a node: found by the hook `resolveExecutor`, made with the device as the cloud describes it, and wrapped
// by the hook `wrapExecutor`.
import type { Settings } from '../config/settings.ts';
import { CodaError, ExecutorError, messageOf } from '../errors.ts';
import type { Hooks } from '../hooks.ts';
import type { Session } from '../kernel/session.ts';
import { isTapped } from '../kernel/tap.ts';
import type { Logger } from '../log.ts';
import { executorFault, type ExecutorContext, type ExecutorRecipe, type LoadedExecutor } from './executor.ts';
import { isWhole } from './wrap-executor.ts';

/** What an earlier start has left of its bundle. */
type LastBundle = Pick<Settings, 'qpuId'> & Partial<Pick<Settings, 'nativeGateSet' | 'numQubits'>>;

/** The settings with the device of the last bundle, which wins over settings (PROTOCOL §1); undefined if this start is
 *  the first one for its QPU. */
export function withLastBundle(settings: Settings, last: LastBundle | undefined): Settings | undefined {
  if (settings.nodeToken !== '' || last === undefined || last.qpuId !== settings.qpuId) return undefined;
  const { nativeGateSet = settings.nativeGateSet, numQubits = settings.numQubits } = last;
  return { ...settings, nativeGateSet, numQubits };
}

/** The settings with the values of the session's bundle. */
export function withSession(settings: Settings, session: Session): Settings {
  const { qpuId, qpuDisplayName, nativeGateSet, numQubits, redisUrl, webappUrl, heartbeatPath, vpn } =
    session;
  return {
    ...settings,
    ...{ qpuId, qpuDisplayName, nativeGateSet, numQubits, redisUrl, webappUrl, heartbeatPath },
    nodeMachineFingerprint: session.machineFingerprint,
    vpnRequired: vpn.required,
    vpnCheckIntervalSec: vpn.checkIntervalSec,
    vpnInterfaceHint: vpn.interfaceHint,
    vpnProbeTargets: vpn.probeTargets,
  };
}

/** Throws an ExecutorError if no plugin has found one. */
export async function resolveExecutor({
  resolveExecutor: hook,
}: Hooks): Promise<LoadedExecutor | ExecutorRecipe> {
  const resolved = await hook.promise();
  if (resolved !== undefined) return resolved;
  throw new ExecutorError('no plugin provides an executor', {
    remedy: 'Switch the built-in plugin `discovery` on, or tap `resolveExecutor`.',
  });
}

export interface ExecutorSurroundings {
  readonly hooks: Hooks;
  readonly log: Logger;
  /** For a factory. */
  readonly context: () => Promise<ExecutorContext>;
  readonly onClose: (name: string, release: () => void | Promise<void>) => void;
}

/** The executor, closed with the node, as plugins have wrapped it. */
export async function loadExecutor(
  resolved: LoadedExecutor | ExecutorRecipe,
  settings: Settings,
  { hooks, log, context, onClose }: ExecutorSurroundings,
): Promise<LoadedExecutor> {
  const { source } = resolved;
  const { executor: made } =
    'executor' in resolved
      ? resolved
      : await makeExecutor(resolved, settings, await context(), log, settings.hookTimeoutSec * 1000);
  let executor = made;
  onClose(`executor ${source}`, () => executor.close?.());
  if (isTapped(hooks.wrapExecutor)) {
    const wrapped = await hooks.wrapExecutor.promise(made);
    if (wrapped !== undefined && isWhole(wrapped)) executor = wrapped;
  }
  return { executor, source };
}

/** Waits as long as it takes; after `lateMs` milliseconds the log says for what. */
export async function makeExecutor(
  { source, create }: ExecutorRecipe,
  settings: Settings,
  context: ExecutorContext,
  log: Logger,
  lateMs: number,
): Promise<LoadedExecutor> {
  const late = setTimeout(() => {
    log.warn(
      `the factory of the executor ${source} has not returned after ${lateMs / 1000} s; still waiting`,
    );
  }, lateMs);
  try {
    const executor = await create(settings, context);
    const fault = executorFault(executor);
    if (fault === undefined) return { executor, source };
    throw new ExecutorError(`what the factory of the executor ${source} returned ${fault}`);
  } catch (thrown) {
    if (thrown instanceof CodaError) throw thrown;
    throw new ExecutorError(`the factory of the executor ${source} threw: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  } finally {
    clearTimeout(late);
  }
}

/** Warns if a bundle says other things of the device than the executor was made for. */
export function warnOfChanges(made: Settings, { nativeGateSet, numQubits }: Session, log: Logger): void {
  const changes = [
    ...(nativeGateSet === made.nativeGateSet
      ? []
      : [`the native gate set is ${nativeGateSet}, not ${made.nativeGateSet}`]),
    ...(numQubits === made.numQubits ? [] : [`the number of qubits is ${numQubits}, not ${made.numQubits}`]),
  ];
  if (changes.length === 0) return;
  log.warn(
    `the cloud has changed the device since the executor was made: ${changes.join(', and ')}. ` +
      'Restart the node if the executor uses these settings',
  );
}
