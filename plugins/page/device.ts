// The device as the page draws it, and circuits that the operator gives to it.
import { LEGAL_GATES, type CodaNode, type NativeGateIR, type Target } from '../../src/index.ts';
import { checkEdges, circuitText, connectivityOf, parseCircuit } from '../../src/kit.ts';
import type { DeviceMap } from './api.ts';
import { orNull } from './snapshot.ts';

export function deviceMap(node: CodaNode): DeviceMap {
  const session = orNull(() => node.session);
  const executor = orNull(() => node.executor);
  if (session === null || executor === null)
    return { qubits: null, edges: null, directed: false, target: null };
  const { numQubits, nativeGateSet } = session;
  const edges = connectivityOf(executor);
  return { qubits: numQubits, edges, directed: isDirected(node), target: nativeGateSet };
}

/** A circuit in NativeGateIR or OpenQASM, translated to the gates of the device. Throws a JobError or a QasmError if it
 *  cannot be read, or does not fit the device. */
export async function circuitFor(node: CodaNode, name: string, text: string): Promise<NativeGateIR> {
  const source = circuitText(name, name, text);
  const { nativeGateSet } = node.session;
  const target = isTarget(nativeGateSet) ? nativeGateSet : undefined;
  const { circuit } = await parseCircuit(source, { target, compile: true });
  if (source.format === 'qasm') {
    const edges = connectivityOf(node.executor) ?? [];
    checkEdges(name, circuit, { edges, isDirected: isDirected(node) });
  }
  return circuit;
}

function isDirected({ executor }: CodaNode): boolean {
  return (executor.device?.directedEdges?.length ?? 0) > 0;
}

function isTarget(name: string): name is Target {
  return Object.hasOwn(LEGAL_GATES, name);
}
