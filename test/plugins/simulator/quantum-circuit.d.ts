// The part of the untyped npm package quantum-circuit that the tests use as an independent reference.
declare module 'quantum-circuit' {
  interface GateOptions {
    params: Record<string, number>;
  }

  export default class QuantumCircuit {
    constructor(qubits: number);
    /** The gates it knows; it silently skips any other name. */
    readonly basicGates: Readonly<Record<string, unknown>>;
    /** Column -1 appends. */
    addGate(name: string, column: number, wires: readonly number[], options?: GateOptions): void;
    run(): void;
    /** The amplitudes that are not zero, by index; bit q of an index is qubit q. */
    readonly state: Readonly<Record<string, { re: number; im: number }>>;
  }
}
