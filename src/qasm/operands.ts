// Reads what gates, measurements and the like act on: `gateOperand` and `indexedIdentifier` of the grammar.
import type { Context, NamedThing } from './context.ts';
import { Fault, KNOWN_FAULT, quoted } from './diagnostics.ts';
import type { Expression } from './expression.ts';
import { constantInteger, readExpression } from './expressions.ts';
import type { Operand } from './gate.ts';

/** The most that a circuit of NativeGateIR can have (PROTOCOL §4). */
export const MOST_QUBITS = 50;

type Register = Extract<NamedThing, { kind: 'qubits' | 'bits' }>;

/** `gateOperandList`: qubits with commas between them, up to what ends the statement. */
export function readOperands(context: Context, physical: Physical): Operand[] {
  const first = readOperand(context, 'qubits', physical);
  if (!context.take(',')) return [first];
  // A list that is made with its two takes less memory than one that grows.
  const operands = [first, readOperand(context, 'qubits', physical)];
  while (context.take(',')) operands.push(readOperand(context, 'qubits', physical));
  return operands;
}

/** Told of each physical qubit that is named. */
export type Physical = (index: number, at: number, end: number) => void;

export function readOperand(context: Context, kind: 'qubits' | 'bits', physical: Physical): Operand {
  const { scanner } = context;
  const { start: at, end, word } = scanner;
  const what = kind === 'qubits' ? 'qubit' : 'bit';
  if (scanner.kind === 'hardware' && kind === 'qubits') {
    const index = scanner.value;
    if (context.isInGate)
      throw new Fault(at, end, 'a gate acts on the qubits that it is given, not on a physical one');
    physical(index, at, end);
    scanner.next();
    return index;
  }
  if (scanner.kind !== 'name') throw context.unexpected(`a ${what}`);
  const thing = context.find(word);
  scanner.next();
  if (thing?.kind === 'argument' && kind === 'qubits') {
    if (context.is('[')) {
      throw new Fault(
        scanner.start,
        scanner.end,
        'the qubits that a gate is given are single ones: they have no index',
      );
    }
    return ~thing.index;
  }
  if (thing === undefined) {
    if (context.isInGate && kind === 'qubits') {
      throw new Fault(at, end, `${quoted(word)} is not one of the qubits that the gate is given`, {
        hint: 'A gate acts on no others. Add it to the qubits behind the name of the gate.',
      });
    }
    throw context.undeclared(word, at, end, what);
  }
  if (thing.kind === 'broken') throw KNOWN_FAULT;
  if (thing.kind !== kind)
    throw new Fault(at, end, `${quoted(word)} is no ${what}`, { expected: `a ${what}` });
  return readIndexes(context, thing, what, at, end);
}

/** The indexes behind a register, if there are some. */
function readIndexes(
  context: Context,
  register: Register,
  what: 'qubit' | 'bit',
  at: number,
  nameEnd: number,
): Operand {
  const { scanner } = context;
  let { items } = register;
  if (scanner.kind !== '[') {
    return register.isSingle ? (items[0] ?? 0) : { items, what, at, end: nameEnd };
  }
  if (register.isSingle) {
    throw new Fault(scanner.start, scanner.end, `a single ${what} has no index`);
  }
  for (;;) {
    scanner.next();
    const simple = readSimpleIndex(context, items);
    if (simple !== undefined) return simple;
    const chosen = readIndex(context, items, what);
    const { end } = scanner;
    context.expect(']');
    if (typeof chosen === 'number') return chosen;
    if (!Array.isArray(chosen)) return { items, index: chosen, what, at, end };
    items = chosen;
    if (scanner.kind !== '[') return { items, what, at, end };
  }
}

/** A number alone in brackets, as nearly all indexes are. If it is none, the scanner is back at the token. */
function readSimpleIndex(context: Context, items: readonly number[]): number | undefined {
  const { scanner } = context;
  if (scanner.kind !== 'integer') return undefined;
  const { start, value } = scanner;
  const item = items[value];
  scanner.next();
  if (item !== undefined && context.is(']')) {
    scanner.next();
    return item;
  }
  scanner.end = start;
  scanner.next();
  return undefined;
}

/** What is in brackets: one index, a range or a set. */
function readIndex(
  context: Context,
  items: readonly number[],
  what: 'qubit' | 'bit',
): number | Expression | number[] {
  const { scanner } = context;
  if (scanner.kind === '{') return readSet(context).map((index) => chosenItem(items, index, what));
  const first = scanner.kind === ':' ? undefined : readExpression(context);
  if (scanner.kind !== ':') {
    if (first === undefined) throw context.unexpected('an index');
    if (first.kind === 'value') return chosenItem(items, first, what);
    if (first.type !== 'int')
      throw new Fault(first.at, first.end, `an index has to be an integer, and this is a ${first.type}`);
    return first;
  }
  scanner.next();
  const second = context.is(']') || context.is(':') ? undefined : readExpression(context);
  let third: Expression | undefined;
  const isStepped = context.take(':');
  if (isStepped && !context.is(']')) third = readExpression(context);
  const step = isStepped && second !== undefined ? constantInteger(second, 'the step of a range') : 1;
  const last = isStepped ? third : second;
  return slice(items, first, step, last, what);
}

/** `setExpression`. */
export function readSet(context: Context): Expression[] {
  context.expect('{');
  const set: Expression[] = [];
  while (context.scanner.kind !== '}') {
    set.push(readExpression(context));
    if (!context.take(',')) break;
  }
  context.expect('}');
  return set;
}

/** Both ends belong to a range. */
function slice(
  items: readonly number[],
  first: Expression | undefined,
  step: number,
  last: Expression | undefined,
  what: 'qubit' | 'bit',
): number[] {
  const at = first ?? last;
  if (step === 0) throw new Fault(at?.at ?? 0, at?.end ?? 0, 'the step of a range cannot be 0');
  const place = (expression: Expression | undefined, otherwise: number): number => {
    if (expression === undefined) return otherwise;
    const index = constantInteger(expression, 'the end of a range');
    chosenItem(items, expression, what);
    return index < 0 ? index + items.length : index;
  };
  const [begin, stop] = [
    place(first, step > 0 ? 0 : items.length - 1),
    place(last, step > 0 ? items.length - 1 : 0),
  ];
  const chosen: number[] = [];
  for (let index = begin; step > 0 ? index <= stop : index >= stop; index += step)
    chosen.push(items[index] ?? 0);
  if (chosen.length === 0) throw new Fault(at?.at ?? 0, at?.end ?? 0, 'this range is empty');
  return chosen;
}

function chosenItem(items: readonly number[], index: Expression, what: 'qubit' | 'bit'): number {
  return itemAt(items, constantInteger(index, 'an index'), index, what);
}

/** An index below 0 counts from the end. */
export function itemAt(
  items: readonly number[],
  index: number,
  { at, end }: Expression,
  what: 'qubit' | 'bit',
): number {
  const item = items.at(index);
  if (item === undefined || index < -items.length) {
    const range = items.length === 1 ? 'only index 0' : `indexes 0 to ${items.length - 1}`;
    throw new Fault(at, end, `there is no ${what} ${index}: the register has ${range}`);
  }
  return item;
}
