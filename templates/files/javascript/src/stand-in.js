// Stands for your device until your driver is here: computes what a perfect one would measure, for a few qubits.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ExecutorError } from 'coda-node';

/** @typedef {readonly [re: number, im: number]} Amplitude */
/** @typedef {Map<string, Amplitude>} State The amplitude of each basis state, with its qubits from the left: `010`. */

const MOST_STATES = 2 ** 12;
const SLICE_MS = 10;

export class StandIn {
  /** @param {string} host */
  constructor(host) {
    this.host = host;
  }

  /**
   * How often each outcome was measured; rejects soon after `signal` has fired.
   * @param {import('coda-node').NativeGateIR} ir
   * @param {number} shots
   * @param {AbortSignal} signal
   */
  async measure(ir, shots, signal) {
    signal.throwIfAborted();
    // Others need the event loop too: it is free again every few milliseconds.
    let sliceEnd = performance.now() + SLICE_MS;
    const pause = async () => {
      if (performance.now() < sliceEnd) return;
      await nextTurn();
      signal.throwIfAborted();
      sliceEnd = performance.now() + SLICE_MS;
    };
    /** @type {State} */
    let state = new Map([['0'.repeat(ir.num_qubits), [1, 0]]]);
    for (const gate of ir.gates) {
      state = applied(state, gate);
      if (state.size > MOST_STATES) throw new ExecutorError('the circuit is too large for the stand-in');
      await pause();
    }
    const outcomes = [...state].map(([bits, [re, im]]) => ({
      key: ir.measurements.map((qubit) => bits[qubit]).join(''),
      weight: re ** 2 + im ** 2,
    }));
    /** @type {Record<string, number>} */
    const counts = {};
    for (let shot = 0; shot < shots; shot++) {
      const key = drawn(outcomes);
      counts[key] = (counts[key] ?? 0) + 1;
      if (shot % 1000 === 999) await pause();
    }
    return counts;
  }

  close() {}
}

/** @param {{ key: string, weight: number }[]} outcomes */
function drawn(outcomes) {
  let left = Math.random();
  for (const { key, weight } of outcomes) {
    left -= weight;
    if (left < 0) return key;
  }
  return outcomes.at(-1)?.key ?? '';
}

/**
 * @param {State} state
 * @param {import('coda-node').Gate} gate
 * @returns {State}
 */
function applied(state, { gate, qubits, params }) {
  const [a = 0, b = 0] = qubits;
  const [angle = 0] = params;
  switch (gate) {
    case 'id':
      return state;
    case 'rx':
      return turned(state, a, [0, -Math.sin(angle / 2)], [0, -Math.sin(angle / 2)], Math.cos(angle / 2));
    case 'ry':
      return turned(state, a, [Math.sin(angle / 2), 0], [-Math.sin(angle / 2), 0], Math.cos(angle / 2));
    case 'x90':
      return applied(state, { gate: 'rx', qubits, params: [Math.PI / 2] });
    case 'y_minus_90':
      return applied(state, { gate: 'ry', qubits, params: [-Math.PI / 2] });
    case 'rz':
    case 'virtual_z':
      return moved(state, (bits) => [bits, bits[a] === '1' ? angle / 2 : -angle / 2]);
    case 'cz':
      return moved(state, (bits) => [bits, bits[a] === '1' && bits[b] === '1' ? Math.PI : 0]);
    case 'cp':
      return moved(state, (bits) => [bits, bits[a] === '1' && bits[b] === '1' ? angle : 0]);
    case 'cnot':
      return moved(state, (bits) => [bits[a] === '1' ? flipped(bits, b) : bits, 0]);
    case 'iswap':
      return moved(state, (bits) =>
        bits[a] === bits[b] ? [bits, 0] : [flipped(flipped(bits, a), b), Math.PI / 2],
      );
  }
}

/**
 * Each basis state becomes another one, with a phase in radians.
 * @param {State} state
 * @param {(bits: string) => [bits: string, phase: number]} to
 * @returns {State}
 */
function moved(state, to) {
  /** @type {State} */
  const next = new Map();
  for (const [from, amplitude] of state) {
    const [bits, phase] = to(from);
    next.set(bits, times(amplitude, [Math.cos(phase), Math.sin(phase)]));
  }
  return next;
}

/**
 * A turn of one qubit: the amplitudes for 0 to become 1, for 1 to become 0, and to stay.
 * @param {State} state
 * @param {number} qubit
 * @param {Amplitude} up
 * @param {Amplitude} down
 * @param {number} stay
 */
function turned(state, qubit, up, down, stay) {
  /** @type {State} */
  const next = new Map();
  /** @type {(bits: string, amplitude: Amplitude) => void} */
  const add = (bits, [re, im]) => {
    const [oldRe, oldIm] = next.get(bits) ?? [0, 0];
    next.set(bits, [oldRe + re, oldIm + im]);
  };
  for (const [bits, amplitude] of state) {
    add(bits, times(amplitude, [stay, 0]));
    add(flipped(bits, qubit), times(amplitude, bits[qubit] === '0' ? up : down));
  }
  for (const [bits, [re, im]] of next) if (re ** 2 + im ** 2 < 1e-20) next.delete(bits);
  return next;
}

/**
 * @param {Amplitude} left
 * @param {Amplitude} right
 * @returns {Amplitude}
 */
function times([a, b], [c, d]) {
  return [a * c - b * d, a * d + b * c];
}

/**
 * @param {string} bits
 * @param {number} qubit
 */
function flipped(bits, qubit) {
  return `${bits.slice(0, qubit)}${bits[qubit] === '0' ? '1' : '0'}${bits.slice(qubit + 1)}`;
}
