// Where each gate of a circuit is drawn: columns by dependency, as the tools of the field draw them. Nothing here knows
// what the drawing is made of: text.ts and svg.ts read the same layout.
import type { Gate, NativeGateIR } from '../protocol/ir.ts';

/** What a drawing needs of a circuit. */
export type Drawable = Pick<NativeGateIR, 'num_qubits' | 'gates' | 'measurements'>;

export interface PlacedGate {
  readonly gate: Gate;
  /** Its place in the list of gates. */
  readonly index: number;
  /** The wire of each of its qubits, in the order of `gate.qubits`. */
  readonly wires: readonly number[];
}

export interface PlacedMeasurement {
  readonly wire: number;
  /** The places of the qubit in the list of measurements: more than one if it is measured twice. */
  readonly bits: readonly number[];
}

export interface Layout {
  readonly circuit: Drawable;
  /** The qubit of each wire, from the top: those with a gate or a measurement; all, if there is neither. */
  readonly wires: readonly number[];
  /** All measurements are in the last column, because they come after all gates. */
  readonly columns: number;
  /** Where the wires begin to be measured: `columns`, if nothing is measured. */
  readonly gateColumns: number;
  gatesIn(column: number): PlacedGate[];
  /** How many gates the columns from `from` up to, and without, `to` have. */
  countIn(from: number, to: number): number;
  readonly measurements: readonly PlacedMeasurement[];
}

/**
 * A gate is in the first column in which it and every wire between its qubits are free, so that no line crosses a gate.
 * Takes time in proportion to the gates and the wires that each of them spans.
 */
export function layOut(circuit: Drawable): Layout {
  const { gates, measurements } = circuit;
  const bits = bitsOf(measurements);
  const wires = wiresOf(circuit, bits);
  const wireOf = new Map(wires.map((qubit, wire) => [qubit, wire]));
  const wire = (qubit: number): number => wireOf.get(qubit) ?? 0;

  const columnOf = new Uint32Array(gates.length);
  /** By wire: the first column that is free. */
  const free = new Uint32Array(wires.length);
  let gateColumns = 0;
  for (const [index, { qubits }] of gates.entries()) {
    const [top, bottom] = spanOf(qubits.map(wire));
    let column = 0;
    for (let at = top; at <= bottom; at++) column = Math.max(column, free[at] ?? 0);
    free.fill(column + 1, top, bottom + 1);
    columnOf[index] = column;
    gateColumns = Math.max(gateColumns, column + 1);
  }

  const { starts, order } = sorted(columnOf, gateColumns);
  const placed = (index: number): PlacedGate[] => {
    const gate = gates[index];
    return gate === undefined ? [] : [{ gate, index, wires: gate.qubits.map(wire) }];
  };
  return {
    circuit,
    wires,
    columns: gateColumns + (measurements.length > 0 ? 1 : 0),
    gateColumns,
    gatesIn: (column) =>
      [...order.subarray(starts[column], starts[column + 1] ?? starts[column])].flatMap(placed),
    countIn: (from, to) =>
      (starts[Math.min(to, gateColumns)] ?? 0) - (starts[Math.min(from, gateColumns)] ?? 0),
    measurements: [...bits].map(([qubit, places]) => ({ wire: wire(qubit), bits: places })),
  };
}

/** The first and the last wire that a gate takes. */
export function spanOf(wires: readonly number[]): readonly [number, number] {
  return [Math.min(...wires), Math.max(...wires)];
}

/** By qubit: its places in the list of measurements. */
function bitsOf(measurements: readonly number[]): Map<number, number[]> {
  const bits = new Map<number, number[]>();
  for (const [bit, qubit] of measurements.entries()) {
    const places = bits.get(qubit);
    if (places === undefined) bits.set(qubit, [bit]);
    else places.push(bit);
  }
  return bits;
}

function wiresOf({ num_qubits, gates }: Drawable, measured: ReadonlyMap<number, unknown>): number[] {
  const used = new Set(measured.keys());
  for (const { qubits } of gates) for (const qubit of qubits) used.add(qubit);
  return used.size === 0
    ? Array.from({ length: num_qubits }, (_, qubit) => qubit)
    : [...used].toSorted((a, b) => a - b);
}

/** The gates by column (a counting sort): those of column c are `order[starts[c]]` to `order[starts[c + 1] - 1]`. */
function sorted(columnOf: Uint32Array, columns: number): { starts: Uint32Array; order: Uint32Array } {
  const starts = new Uint32Array(columns + 1);
  for (const column of columnOf) starts[column + 1] = (starts[column + 1] ?? 0) + 1;
  for (let column = 0; column < columns; column++) {
    starts[column + 1] = (starts[column + 1] ?? 0) + (starts[column] ?? 0);
  }
  const next = starts.slice();
  const order = new Uint32Array(columnOf.length);
  for (const [index, column] of columnOf.entries()) {
    const place = next[column] ?? 0;
    order[place] = index;
    next[column] = place + 1;
  }
  return { starts, order };
}
