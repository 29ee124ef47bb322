// Runs a program's statements on a circuit that grows: loops unrolled, registers spread, gates written in the target's own.
import { LEGAL_GATES, TARGETS, type Gate, type GateName, type Target } from '../protocol/ir.ts';
import { Fault, quoted, type Problems } from './diagnostics.ts';
import { sizeOf, valueOf } from './expression.ts';
import type { Arg, Call, GateDefinition, Items, Loop, Operand, Place, Statement } from './gate.ts';
import { leavesOf, loopValues, modifiedLeaves, opaque, type Leaf } from './leaves.ts';
import { isTooWide, Lowering, MOST_IN_ONE_GATE } from './lowering.ts';
import { areNumbers, assertDifferent, plainQubits, twice } from './lists.ts';
import { Measurements } from './measurements.ts';
import { nativesOf, type NativeGate } from './native.ts';
import { itemAt } from './operands.ts';
import { Patterns } from './patterns.ts';

/** Of a circuit, and of what it takes to make one: a step is a gate taken apart, or a turn of a loop. */
const MOST_GATES = 500_000;
const MOST_STEPS = 1_000_000;

const NO_NUMBERS: readonly number[] = [];

export class Machine {
  readonly gates: Gate[] = [];
  readonly measurements: Measurements;
  /** Gates as the program calls them. */
  sourceGates = 0;
  readonly #problems: Problems;
  readonly #target: Target | undefined;
  readonly #legal: ReadonlySet<GateName> | undefined;
  readonly #isCompiling: boolean;
  readonly #lowering: Lowering | undefined;
  readonly #used = new Set<GateName>();
  readonly #patterns: Patterns | undefined;
  /** Where the statement is that is being run. Two numbers, since most of them never need to be an object. */
  #at = 0;
  #end = 0;
  #outermostLoop: Loop | undefined;
  #isVerbatim = false;
  #steps = 0;
  readonly #count = (steps: number): void => this.#step(steps);

  constructor(problems: Problems, target: Target | undefined, isCompiling: boolean) {
    this.#problems = problems;
    this.measurements = new Measurements(problems);
    this.#target = target;
    this.#legal = target === undefined ? undefined : new Set(LEGAL_GATES[target]);
    this.#isCompiling = isCompiling;
    if (target !== undefined) {
      this.#patterns = new Patterns(target);
      this.#lowering = new Lowering(target, (gate, qubits, params) => this.#emit(gate, qubits, params));
    }
  }

  /** The only target that has all gates of the circuit. Notes an error if there are several, or none. */
  onlyTarget(): Target | undefined {
    if (this.#target !== undefined) return this.#target;
    const fitting = TARGETS.filter((target) =>
      [...this.#used].every((gate) => LEGAL_GATES[target].includes(gate)),
    );
    const [only] = fitting;
    if (fitting.length === 1) return only;
    const gates = [...this.#used].join(' ');
    const message =
      only === undefined
        ? `no target has all gates of this program: ${gates}`
        : `the program does not say for which target it is: its gates${gates === '' ? '' : ` (${gates})`} belong to ${fitting.join(', ')}`;
    this.#problems.error(0, 0, message, { hint: 'Give the target: cz, iswap, pcz or cnot.' }, 'target');
    return undefined;
  }

  /** `frame` has the variables; `wires` the qubits that the gate is given in whose body the statement is. */
  run(statement: Statement, frame: number[], wires: readonly number[] = NO_NUMBERS): void {
    switch (statement.kind) {
      case 'call':
        return this.#call(statement, frame, wires);
      case 'for':
        return this.#loop(statement, frame, wires);
      case 'box':
        return this.#box(statement, frame, wires);
      case 'delay':
        return this.#delay(statement, frame, wires);
      case 'reset':
        return this.measurements.reset(this.#list(statement.operand, frame, wires), statement);
      case 'measure': {
        const bits = statement.bits === undefined ? undefined : this.#list(statement.bits, frame, wires);
        return this.measurements.measure(this.#list(statement.qubits, frame, wires), bits, statement);
      }
    }
  }

  #call(call: Call, frame: number[], wires: readonly number[]): void {
    const { gate, args, operands } = call;
    if (wires === NO_NUMBERS) this.#stand(call.at, call.end);
    const params = areNumbers(args) ? args : args.map((arg) => this.#value(arg, frame));
    const qubits = plainQubits(operands, wires);
    if (qubits === undefined) return this.#spread(call, params, frame, wires);
    this.#apply(call, gate, params, qubits, frame, wires);
  }

  #value(arg: Arg, frame: readonly number[]): number {
    if (typeof arg === 'number') return arg;
    this.#step(sizeOf(arg));
    return valueOf(arg, frame);
  }

  #stand(at: number, end: number): void {
    this.#at = at;
    this.#end = end;
  }

  get #place(): Place {
    return { at: this.#at, end: this.#end };
  }

  /** Whether a call of the gate is one gate of the circuit. */
  isNative({ native }: GateDefinition): boolean {
    return native !== undefined && (this.#legal === undefined || this.#legal.has(native));
  }

  /** Runs a call, without modifiers, of a gate that is native; its name stands at `at` to `end`. */
  plainGate(
    gate: GateDefinition,
    params: readonly number[],
    qubits: readonly number[],
    at: number,
    end: number,
  ): void {
    this.#stand(at, end);
    this.#step(1);
    this.sourceGates += 1;
    if (qubits.length === 2 && qubits[0] === qubits[1]) throw twice(gate, { at, end });
    this.#native(gate, params, qubits);
  }

  #native({ native }: GateDefinition, params: readonly number[], qubits: readonly number[]): void {
    if (native !== undefined)
      this.#emit(native, qubits, native === 'id' && params.length === 0 ? [0] : params);
  }

  /** A call with registers: one gate for each of their qubits. */
  #spread(call: Call, params: readonly number[], frame: number[], wires: readonly number[]): void {
    const lists = call.operands.map((operand) =>
      typeof operand === 'number' || operand.index !== undefined
        ? (this.#list(operand, frame, wires)[0] ?? 0)
        : operand.items,
    );
    const lengths = lists.flatMap((list) => (typeof list === 'number' ? [] : [list.length]));
    const [length = 1] = lengths;
    const other = lengths.find((one) => one !== length);
    if (other !== undefined) {
      throw new Fault(call.at, call.end, `the registers are of different lengths: ${length} and ${other}`);
    }
    for (let k = 0; k < length; k++) {
      const at = (list: number | readonly number[] = 0): number =>
        typeof list === 'number' ? list : (list[k] ?? 0);
      const qubits = lists.length === 1 ? [at(lists[0])] : lists.map(at);
      this.#apply(call, call.gate, params, qubits, frame, wires);
    }
  }

  #apply(
    call: Call,
    gate: GateDefinition,
    params: readonly number[],
    qubits: readonly number[],
    frame: readonly number[],
    wires: readonly number[],
  ): void {
    this.#step(1);
    if (wires === NO_NUMBERS) this.sourceGates += 1;
    if (qubits.length > 1) assertDifferent(qubits, call);
    if (call.modifiers.length > 0) {
      return this.#make(call, modifiedLeaves(call, params, qubits, frame, this.#place, this.#count), true);
    }
    if (this.isNative(gate)) return this.#native(gate, params, qubits);
    const { body } = gate;
    switch (body.kind) {
      case 'defined': {
        const inner = [...params];
        for (const statement of body.statements) this.run(statement, inner, qubits);
        return;
      }
      case 'opaque':
        throw opaque(gate, this.#place);
      case 'phase':
        return;
      default:
        if (!this.#mayCompile) return this.#refuse(call, false);
        if (params.length === 0 && this.#patterns !== undefined) {
          return this.#repeat(this.#patterns.of(gate, this.#place, this.#count), qubits);
        }
        return this.#make(call, leavesOf(gate, params, qubits, this.#place, this.#count), false);
    }
  }

  /** `pattern` on these qubits. */
  #repeat(pattern: readonly NativeGate[], on: readonly number[]): void {
    for (const { gate, qubits, params } of pattern) {
      const [a = 0, b] = qubits;
      this.#emit(gate, b === undefined ? [on[a] ?? 0] : [on[a] ?? 0, on[b] ?? 0], params);
    }
  }

  get #mayCompile(): boolean {
    return this.#isCompiling && !this.#isVerbatim && this.#lowering !== undefined;
  }

  #make(call: Call, leaves: readonly Leaf[], isModified: boolean): void {
    const mayBeNative = isModified && (leaves.length <= 1 || !this.#mayCompile);
    const natives = mayBeNative ? nativesOfAll(leaves, this.#target) : undefined;
    if (natives !== undefined) {
      for (const { gate, qubits, params } of natives) this.#emit(gate, qubits, params);
      return;
    }
    const lowering = this.#lowering;
    if (!this.#mayCompile || lowering === undefined) return this.#refuse(call, isModified);
    for (const leaf of leaves) {
      if (isTooWide(leaf)) {
        const message = `a controlled gate of more than ${MOST_IN_ONE_GATE} qubits is not decomposed`;
        throw new Fault(call.at, call.end, message, { hint: 'Write it with fewer controls.' });
      }
      lowering.add(leaf);
    }
    lowering.flush();
  }

  #refuse({ gate: { name }, at, end }: Call, isModified: boolean): void {
    const target = this.#target;
    const what = `gate ${quoted(name)}${isModified ? ', with its modifiers,' : ''}`;
    const which =
      target === undefined
        ? 'a gate of any target'
        : `a gate of target ${target} (${LEGAL_GATES[target].join(' ')})`;
    const hint = this.#isVerbatim
      ? 'A verbatim box is run as it is written: it can only have gates of the target.'
      : target === undefined
        ? 'Give the target (cz, iswap, pcz or cnot), and compile the program for it.'
        : 'Compile the program (--compile, or compile: true): the gate is then decomposed into them.';
    this.#problems.error(at, end, `${what} is not ${which}`, { hint }, `gate ${name} ${isModified}`);
  }

  #emit(gate: GateName, qubits: readonly number[], params: readonly number[]): void {
    for (const qubit of qubits) this.measurements.use(qubit, this.#at, this.#end);
    if (this.gates.length >= MOST_GATES) throw this.#tooMuch(`more than ${MOST_GATES} gates`);
    if (this.#target === undefined) this.#used.add(gate);
    this.gates.push({ gate, qubits, params });
  }

  #loop(loop: Loop, frame: number[], wires: readonly number[]): void {
    const isOutermost = this.#outermostLoop === undefined;
    if (isOutermost) this.#outermostLoop = loop;
    try {
      for (const value of loopValues(loop, frame, this.#count)) {
        frame[loop.slot] = value;
        for (const statement of loop.body) this.run(statement, frame, wires);
      }
    } finally {
      if (isOutermost) this.#outermostLoop = undefined;
    }
  }

  #box(box: Statement & { kind: 'box' }, frame: number[], wires: readonly number[]): void {
    const before = this.#isVerbatim;
    this.#isVerbatim ||= box.isVerbatim;
    try {
      for (const statement of box.body) this.run(statement, frame, wires);
    } finally {
      this.#isVerbatim = before;
    }
  }

  #delay(delay: Statement & { kind: 'delay' }, frame: number[], wires: readonly number[]): void {
    if (wires === NO_NUMBERS) this.#stand(delay.at, delay.end);
    const { duration, operands } = delay;
    const time = valueOf(duration, frame);
    if (time < 0) throw new Fault(duration.at, duration.end, 'a delay cannot be shorter than 0');
    for (const operand of operands) {
      for (const qubit of this.#list(operand, frame, wires)) {
        this.#step(1);
        this.sourceGates += 1;
        this.#emit('id', [qubit], [time]);
      }
    }
  }

  #list(operand: Operand, frame: readonly number[], wires: readonly number[]): readonly number[] {
    if (typeof operand === 'number') return [operand < 0 ? (wires[~operand] ?? 0) : operand];
    const { items, index, what }: Items = operand;
    if (index === undefined) return items;
    this.#step(1 + sizeOf(index));
    return [itemAt(items, valueOf(index, frame), index, what)];
  }

  #step(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MOST_STEPS) throw this.#tooMuch(`more than ${MOST_STEPS} steps`);
  }

  #tooMuch(what: string): Fault {
    const loop = this.#outermostLoop;
    if (loop === undefined) {
      return new Fault(this.#at, this.#end, `with this the program becomes ${what}`, {
        hint: `A circuit has at most ${MOST_GATES} gates.`,
      });
    }
    return new Fault(
      loop.at,
      loop.end,
      `with this loop over ${quoted(loop.variable)} the program becomes ${what}`,
      {
        hint: `Let it run less often: a circuit has at most ${MOST_GATES} gates.`,
      },
    );
  }
}

function nativesOfAll(leaves: readonly Leaf[], target: Target | undefined): ReturnType<typeof nativesOf> {
  const all = leaves.map((leaf) => nativesOf(leaf, target));
  return all.every((natives) => natives !== undefined) ? all.flat() : undefined;
}
