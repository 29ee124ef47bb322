// Whether a device has the edges that a circuit needs. Nothing here routes: what is missing is named.
import type { Edge } from './executor.ts';
import { JobError } from '../errors.ts';
import type { NativeGateIR } from '../protocol/ir.ts';

export interface Connectivity {
  /** None: every pair of qubits will do. */
  readonly edges: readonly Edge[];
  /** Whether an edge has a direction: then it is `[control, target]` for a CNOT. */
  readonly isDirected: boolean;
}

const SHOWN_EDGES = 10;

/** Throws a JobError that names the edges which the device does not have. `name` is that of the circuit. */
export function checkEdges(name: string, circuit: NativeGateIR, { edges, isDirected }: Connectivity): void {
  if (edges.length === 0) return;
  const key = (gate: string, [a = 0, b = 0]: readonly number[]): string =>
    isDirected && gate === 'cnot' ? `${a}→${b}` : `${Math.min(a, b)}-${Math.max(a, b)}`;
  const present = new Set(edges.flatMap((edge) => [key('cnot', edge), key('', edge)]));
  const missing = new Map<string, number>();
  for (const { gate, qubits } of circuit.gates) {
    if (qubits.length < 2) continue;
    const needed = key(gate, qubits);
    if (!present.has(needed)) missing.set(needed, (missing.get(needed) ?? 0) + 1);
  }
  if (missing.size === 0) return;
  const named = [...missing].map(([edge, gates]) => `${edge} (${gates} gate${gates === 1 ? '' : 's'})`);
  const known = new Set(edges.map((edge) => key(isDirected ? 'cnot' : '', edge)));
  throw new JobError(`${name} needs edges that the device does not have: ${listed(named)}`, {
    remedy:
      'Routing is out of scope here: number the qubits so that each two-qubit gate acts on an edge of the device ' +
      `(${listed([...known])}), or route the circuit with the tool that made it.`,
  });
}

function listed(words: readonly string[]): string {
  const rest = words.length - SHOWN_EDGES;
  return words.slice(0, SHOWN_EDGES).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
