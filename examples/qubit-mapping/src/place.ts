// Where a circuit fits on a device: a qubit of the device for each qubit of the circuit, so that every gate of two qubits is
// on an edge. Searches with backtracking, where the circuit already is first.
import type { NativeGateIR } from 'coda-node';

/** From each qubit to those that a gate may have as its second. */
export type Graph = ReadonlyMap<number, ReadonlySet<number>>;

/** Of an undirected edge both directions. */
export function graphOf(edges: readonly (readonly [number, number])[], directed: boolean): Graph {
  const graph = new Map<number, Set<number>>();
  const connect = (from: number, to: number): void => {
    const known = graph.get(from) ?? new Set();
    graph.set(from, known.add(to));
    if (!graph.has(to)) graph.set(to, new Set());
  };
  for (const [a, b] of edges) {
    connect(a, b);
    if (!directed) connect(b, a);
  }
  return graph;
}

/** The qubits of the device, by the qubits of the circuit; or why there is no place. */
export function placeOf(circuit: NativeGateIR, device: Graph, maxSteps: number): readonly number[] | string {
  const { num_qubits: size, target } = circuit;
  if (size > device.size) return `it has ${size} qubits, and the device ${device.size} that can be used`;
  const pairs = pairsOf(circuit);
  // Only a CNOT knows which of its qubits is which.
  const isDirected = target === 'cnot';
  const allows = (from: number, to: number): boolean =>
    device.get(from)?.has(to) === true || (!isDirected && device.get(to)?.has(from) === true);
  const order = orderOf(size, pairs);
  const place: (number | undefined)[] = Array.from({ length: size }, () => undefined);
  const used = new Set<number>();
  let steps = 0;

  const fits = (qubit: number, spot: number): boolean =>
    pairs.every(([a, b]) => {
      if (a !== qubit && b !== qubit) return true;
      const [from, to] = [a === qubit ? spot : place[a], b === qubit ? spot : place[b]];
      return from === undefined || to === undefined || allows(from, to);
    });
  const search = (at: number): boolean => {
    const qubit = order[at];
    if (qubit === undefined) return true;
    for (const spot of [qubit, ...device.keys()]) {
      if ((steps += 1) > maxSteps) return false;
      if (!device.has(spot) || used.has(spot) || !fits(qubit, spot)) continue;
      place[qubit] = spot;
      used.add(spot);
      if (search(at + 1)) return true;
      place[qubit] = undefined;
      used.delete(spot);
    }
    return false;
  };

  if (search(0)) return place.map(Number);
  return steps > maxSteps
    ? `no place was found in ${maxSteps} steps`
    : 'the device has no qubits that are connected as its gates need it';
}

/** Each pair of qubits that has a gate, once. */
function pairsOf({ gates }: NativeGateIR): readonly (readonly [number, number])[] {
  const pairs = new Map<string, readonly [number, number]>();
  for (const { qubits } of gates) {
    const [a, b] = qubits;
    if (a !== undefined && b !== undefined) pairs.set(`${a} ${b}`, [a, b]);
  }
  return [...pairs.values()];
}

/** Each qubit after one that it is connected to, if there is one: a dead end is then found early. */
function orderOf(size: number, pairs: readonly (readonly [number, number])[]): readonly number[] {
  const order = new Set<number>();
  for (let first = 0; first < size; first += 1) {
    order.add(first);
    // A set that grows is walked to its new end.
    for (const qubit of order) {
      for (const [a, b] of pairs) {
        if (a === qubit) order.add(b);
        if (b === qubit) order.add(a);
      }
    }
  }
  return [...order];
}
