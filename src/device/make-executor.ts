// Makes the executor of a node from what the hook `resolveExecutor` gave, with the device as the cloud describes it.
import type { Settings } from '../config/settings.ts';
import { CodaError, ExecutorError, messageOf } from '../errors.ts';
import type { Session } from '../kernel/session.ts';
import type { Logger } from '../log.ts';
import { executorFault, type ExecutorContext, type ExecutorRecipe, type LoadedExecutor } from './executor.ts';

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
